{{- /* What the components of Airflow have in common. */ -}}

{{- /* Environment of the components that use Airflow's database; workers do not. */ -}}
{{- define "sqlrec.airflow.env" -}}
{{- $secret := .Values.airflow.secret -}}
{{ include "sqlrec.database.env" (list . "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN" "airflow") }}
{{ include "sqlrec.secretEnv" (list "AIRFLOW__CORE__FERNET_KEY" $secret "fernet-key") }}
{{ include "sqlrec.secretEnv" (list "AIRFLOW__API_AUTH__JWT_SECRET" $secret "jwt-secret") }}
{{- end -}}

{{- /* Settings: (list . STORAGE), with access to object storage where results and checkpoints are read. */ -}}
{{- define "sqlrec.airflow.settings" -}}
{{- $name := include "sqlrec.name" (index . 0) -}}
envFrom:
  - configMapRef:
      name: {{ $name }}-airflow
  - configMapRef:
      name: {{ $name }}-settings
  {{- if index . 1 }}
  {{- include "sqlrec.storage" (index . 0) | nindent 2 }}
  {{- end }}
{{- end -}}

{{- /*
Where a component's files are: (list . SCRIPTS), scripts where DAG files are parsed. AIRFLOW_HOME is scratch;
logs lie in the project, where all see them.
*/ -}}
{{- define "sqlrec.airflow.mounts" -}}
{{- $top := index . 0 -}}
- name: tmp
  mountPath: /tmp
- name: home
  mountPath: /airflow
- name: project
  mountPath: {{ $top.Values.project.mount }}
- name: loader
  mountPath: /etc/sqlrec/dags
  readOnly: true
{{- if index . 1 }}
- name: scripts
  mountPath: /scripts
  readOnly: true
{{- end }}
{{- end -}}

{{- define "sqlrec.airflow.volumes" -}}
{{- $top := index . 0 -}}
- name: tmp
  emptyDir: {}
- name: home
  emptyDir: {}
- name: project
  persistentVolumeClaim:
    claimName: {{ include "sqlrec.project.claim" $top }}
- name: loader
  configMap:
    name: {{ include "sqlrec.name" $top }}-loader
{{- if index . 1 }}
- name: scripts
  emptyDir: {}
{{- with $top.Values.scripts.git.secret }}
- name: git-secret
  secret:
    secretName: {{ . }}
    defaultMode: 0440
{{- end }}
{{- end }}
{{- end -}}

{{- /* The folder of scripts in a pod. */ -}}
{{- define "sqlrec.scripts.folder" -}}
{{- if eq .Values.scripts.source "git" -}}
/scripts/current/{{ .Values.scripts.folder }}
{{- else -}}
{{ .Values.project.mount }}/{{ .Values.scripts.folder }}
{{- end -}}
{{- end -}}

{{- /* A container that keeps /scripts/current at the head of a Git reference: (list . ONCE). */ -}}
{{- define "sqlrec.scripts.git" -}}
{{- $top := index . 0 -}}
{{- $git := $top.Values.scripts.git -}}
- name: {{ ternary "git-fetch" "git-sync" (index . 1) }}
  {{- include "sqlrec.container.image" (list $top "gitSync") | nindent 2 }}
  args:
    - --repo={{ required "scripts.source is git: name the repository (scripts.git.repository)" $git.repository }}
    - --ref={{ $git.ref }}
    - --root=/scripts
    - --link=current
    - {{ ternary "--one-time" (printf "--period=%s" $git.period) (index . 1) }}
    {{- if $git.secret }}
    - --ssh-key-file=/etc/git-secret/ssh-key
    - --ssh-known-hosts-file=/etc/git-secret/known-hosts
    {{- end }}
  env:
    - name: HOME
      value: /tmp
  {{- include "sqlrec.container" $top | nindent 2 }}
    # The one user that this image knows: SSH wants to know who it runs as.
    runAsUser: 65533
    runAsGroup: 65533
  resources:
    {{- toYaml $git.resources | nindent 4 }}
  volumeMounts:
    - name: tmp
      mountPath: /tmp
    - name: scripts
      mountPath: /scripts
    {{- if $git.secret }}
    - name: git-secret
      mountPath: /etc/git-secret
      readOnly: true
    {{- end }}
{{- end -}}

{{- /* The init container that waits until the database is of this version, or makes it so: (list . ARGS). */ -}}
{{- define "sqlrec.airflow.database" -}}
{{- $top := index . 0 -}}
- name: database
  {{- include "sqlrec.container.image" (list $top "airflow") | nindent 2 }}
  args: {{ index . 1 | toJson }}
  {{- include "sqlrec.airflow.settings" (list $top false) | nindent 2 }}
  env:
    {{- include "sqlrec.airflow.env" $top | nindent 4 }}
  {{- include "sqlrec.container" $top | nindent 2 }}
  resources:
    {{- toYaml $top.Values.airflow.dagProcessor.resources | nindent 4 }}
  volumeMounts:
    - name: tmp
      mountPath: /tmp
    - name: home
      mountPath: /airflow
{{- end -}}

{{- /* Annotations that restart a component when its settings change. */ -}}
{{- define "sqlrec.airflow.annotations" -}}
checksum/settings: {{ printf "%s%s" (include "sqlrec.airflow.config" .) (include "sqlrec.settings" .) | sha256sum }}
{{- with .Values.annotations }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- /* One component: (dict "top" . "name" "scheduler" "values" … "scripts" BOOL "storage" BOOL "token" BOOL …). */ -}}
{{- define "sqlrec.airflow.component" -}}
{{- $top := .top -}}
{{- $git := and .scripts (eq $top.Values.scripts.source "git") -}}
apiVersion: apps/v1
kind: Deployment
metadata:
  {{- include "sqlrec.metadata" (list $top .name) | nindent 2 }}
spec:
  replicas: {{ .values.replicas }}
  revisionHistoryLimit: 3
  selector:
    matchLabels:
      {{- include "sqlrec.selector" (list $top .name) | nindent 6 }}
  template:
    metadata:
      labels:
        {{- include "sqlrec.labels" (list $top .name) | nindent 8 }}
      annotations:
        {{- include "sqlrec.airflow.annotations" $top | nindent 8 }}
    spec:
      {{- include "sqlrec.pod" (list $top .name $top.Values.runAsUser 0) | nindent 6 }}
      automountServiceAccountToken: {{ .token }}
      terminationGracePeriodSeconds: {{ .grace }}
      initContainers:
        {{- include "sqlrec.airflow.database" (list $top .database) | nindent 8 }}
        {{- with .init }}
        {{- . | nindent 8 }}
        {{- end }}
        {{- if $git }}
        {{- include "sqlrec.scripts.git" (list $top true) | nindent 8 }}
        {{- end }}
      containers:
        - name: {{ .name }}
          {{- include "sqlrec.container.image" (list $top "airflow") | nindent 10 }}
          args: {{ .args | toJson }}
          {{- include "sqlrec.airflow.settings" (list $top .storage) | nindent 10 }}
          env:
            {{- include "sqlrec.airflow.env" $top | nindent 12 }}
            {{- with .env }}
            {{- . | nindent 12 }}
            {{- end }}
          {{- include "sqlrec.container" $top | nindent 10 }}
          resources:
            {{- toYaml .values.resources | nindent 12 }}
          {{- .probes | nindent 10 }}
          volumeMounts:
            {{- include "sqlrec.airflow.mounts" (list $top $git) | nindent 12 }}
            {{- with .mounts }}
            {{- . | nindent 12 }}
            {{- end }}
        {{- if $git }}
        {{- include "sqlrec.scripts.git" (list $top false) | nindent 8 }}
        {{- end }}
      volumes:
        {{- include "sqlrec.airflow.volumes" (list $top $git) | nindent 8 }}
        {{- with .volumes }}
        {{- . | nindent 8 }}
        {{- end }}
{{- include "sqlrec.budget" (list $top .name) }}
{{ include "sqlrec.account" (list $top .name) }}
{{- end -}}

{{- /* Probes of a component without a port. */ -}}
{{- define "sqlrec.airflow.alive" -}}
startupProbe:
  exec:
    command: [airflow, jobs, check, --job-type, {{ . }}, --local]
  periodSeconds: 10
  timeoutSeconds: 30
  failureThreshold: 12
livenessProbe:
  exec:
    command: [airflow, jobs, check, --job-type, {{ . }}, --local]
  periodSeconds: 60
  timeoutSeconds: 30
  failureThreshold: 5
{{- end -}}

{{- /* What all pods of the chart have in common: no root, no privileges, nothing writable but what is named. */ -}}

{{- /* The fields of a pod's spec: (list . "scheduler" USER GROUP); files that it shares are of USER's group. */ -}}
{{- define "sqlrec.pod" -}}
{{- $top := index . 0 -}}
serviceAccountName: {{ include "sqlrec.name" $top }}-{{ index . 1 }}
enableServiceLinks: false
securityContext:
  runAsNonRoot: true
  runAsUser: {{ index . 2 }}
  runAsGroup: {{ index . 3 }}
  fsGroup: {{ index . 2 }}
  fsGroupChangePolicy: OnRootMismatch
  seccompProfile:
    type: RuntimeDefault
{{- with $top.Values.imagePullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
{{- with $top.Values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $top.Values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{- define "sqlrec.container" -}}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  privileged: false
  capabilities:
    drop: [ALL]
{{- end -}}

{{- /* A container's image: (list . "airflow"). */ -}}
{{- define "sqlrec.container.image" -}}
image: {{ include "sqlrec.image" . }}
imagePullPolicy: {{ (index (index . 0).Values.images (index . 1)).pullPolicy }}
{{- end -}}

{{- /* A value of a Secret as an environment variable: (list NAME SECRET KEY). */ -}}
{{- define "sqlrec.secretEnv" -}}
- name: {{ index . 0 }}
  valueFrom:
    secretKeyRef:
      name: {{ index . 1 }}
      key: {{ index . 2 }}
{{- end -}}

{{- /* Where object storage is and who asks it, for programs that read or write checkpoints. */ -}}
{{- define "sqlrec.storage" -}}
{{- with .Values.storage.secret -}}
- secretRef:
    name: {{ . }}
{{- end }}
{{- end -}}

{{- /* A database's URL in the variable NAME: (list . NAME DATABASE). */ -}}
{{- define "sqlrec.database.env" -}}
{{- $top := index . 0 -}}
{{- if $top.Values.database.bundled -}}
{{ include "sqlrec.secretEnv" (list "DATABASE_PASSWORD" $top.Values.database.secret "password") }}
- name: {{ index . 1 }}
  value: postgresql+psycopg2://sqlrec:$(DATABASE_PASSWORD)@{{ include "sqlrec.name" $top }}-postgres:5432/{{ index . 2 }}
{{- else -}}
{{ include "sqlrec.secretEnv" (list (index . 1) $top.Values.database.secret (printf "%s-url" (index . 2))) }}
{{- end }}
{{- end -}}

{{- /* A PodDisruptionBudget: one pod of a component may be moved at a time: (list . "scheduler"). */ -}}
{{- define "sqlrec.budget" -}}
{{- if (index . 0).Values.podDisruptionBudgets.enabled }}
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  {{- include "sqlrec.metadata" . | nindent 2 }}
spec:
  maxUnavailable: 1
  selector:
    matchLabels:
      {{- include "sqlrec.selector" . | nindent 6 }}
{{- end }}
{{- end -}}

{{- /* A ServiceAccount: (list . "scheduler"). Pods that need a token mount it themselves. */ -}}
{{- define "sqlrec.account" -}}
---
apiVersion: v1
kind: ServiceAccount
metadata:
  {{- include "sqlrec.metadata" . | nindent 2 }}
automountServiceAccountToken: false
{{- end -}}

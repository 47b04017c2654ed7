{{- /* Names, labels and images: what every template needs. */ -}}

{{- define "sqlrec.name" -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- ternary .Release.Name (printf "%s-%s" .Release.Name $name) (contains $name .Release.Name) | trunc 45 | trimSuffix "-" -}}
{{- end -}}

{{- /* Labels that select the pods of one component: (list . "scheduler"). */ -}}
{{- define "sqlrec.selector" -}}
{{- $top := index . 0 -}}
app.kubernetes.io/name: {{ $top.Chart.Name }}
app.kubernetes.io/instance: {{ $top.Release.Name }}
app.kubernetes.io/component: {{ index . 1 }}
{{- end -}}

{{- define "sqlrec.labels" -}}
{{- $top := index . 0 -}}
{{ include "sqlrec.selector" . }}
app.kubernetes.io/part-of: sqlrec
app.kubernetes.io/managed-by: {{ $top.Release.Service }}
app.kubernetes.io/version: {{ $top.Chart.AppVersion | quote }}
helm.sh/chart: {{ printf "%s-%s" $top.Chart.Name $top.Chart.Version }}
{{- end -}}

{{- /* An object's metadata: (list . "scheduler"). */ -}}
{{- define "sqlrec.metadata" -}}
{{- $top := index . 0 -}}
name: {{ include "sqlrec.name" $top }}-{{ index . 1 }}
namespace: {{ $top.Release.Namespace }}
labels:
  {{- include "sqlrec.labels" . | nindent 2 }}
{{- end -}}

{{- /* An image and when it is pulled: (list . "airflow"). */ -}}
{{- define "sqlrec.image" -}}
{{- $image := index (index . 0).Values.images (index . 1) -}}
{{ $image.repository }}:{{ default (index . 0).Chart.AppVersion $image.tag }}
{{- end -}}

{{- define "sqlrec.workloads.namespace" -}}
{{ default .Release.Namespace .Values.workloads.namespace }}
{{- end -}}

{{- define "sqlrec.workloads.account" -}}
{{ include "sqlrec.name" . }}-workload
{{- end -}}

{{- /* The claim with the project's files, for pods of this release. */ -}}
{{- define "sqlrec.project.claim" -}}
{{ default (printf "%s-project" (include "sqlrec.name" .)) .Values.project.claim }}
{{- end -}}

{{- /* The claim with the project's files, for jobs and services: a claim is of one namespace. */ -}}
{{- define "sqlrec.workloads.claim" -}}
{{- if .Values.workloads.claim -}}
{{ .Values.workloads.claim }}
{{- else if eq (include "sqlrec.workloads.namespace" .) .Release.Namespace -}}
{{ include "sqlrec.project.claim" . }}
{{- else if not .Values.storage.modelBasePath -}}
{{ fail "workloads.namespace is another one than the release's: name a claim there that holds the project's files (workloads.claim), or keep checkpoints in object storage (storage.modelBasePath)" }}
{{- end -}}
{{- end -}}

{{- define "sqlrec.mlflow.url" -}}
{{- if .Values.mlflow.enabled -}}
http://{{ include "sqlrec.name" . }}-mlflow:5000
{{- else -}}
{{ required "mlflow.enabled is false: say where the tracking server is (mlflow.url)" .Values.mlflow.url }}
{{- end -}}
{{- end -}}

{{- /* The component whose processes run tasks. */ -}}
{{- define "sqlrec.runner" -}}
{{ ternary "worker" "scheduler" (eq .Values.airflow.executor "KubernetesExecutor") }}
{{- end -}}

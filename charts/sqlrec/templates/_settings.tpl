{{- /* Settings of sqlrec and of Airflow as environment variables; values of secrets are not among them. */ -}}

{{- define "sqlrec.settings" -}}
SQLREC_PROJECT: {{ .Values.project.mount | quote }}
SQLREC_RUNTIME: kubernetes
SQLREC_TRACKING_URI: {{ include "sqlrec.mlflow.url" . | quote }}
{{- with .Values.storage.modelBasePath }}
SQLREC_MODEL_BASE_PATH: {{ . | quote }}
SQLREC_STAGING: {{ default (printf "%s-staging" (trimSuffix "/" .)) $.Values.storage.staging | quote }}
{{- end }}
SQLREC_KUBERNETES_NAMESPACE: {{ include "sqlrec.workloads.namespace" . }}
SQLREC_KUBERNETES_JOB_IMAGE: {{ include "sqlrec.image" (list . "job") | quote }}
SQLREC_KUBERNETES_SERVER_IMAGE: {{ include "sqlrec.image" (list . "server") | quote }}
SQLREC_KUBERNETES_API_IMAGE: {{ include "sqlrec.image" (list . "api") | quote }}
SQLREC_KUBERNETES_IMAGE_PULL_POLICY: {{ .Values.images.job.pullPolicy }}
{{- with .Values.workloads.imagePullSecrets }}
SQLREC_KUBERNETES_IMAGE_PULL_SECRETS: {{ join "," . | quote }}
{{- end }}
SQLREC_KUBERNETES_SERVICE_ACCOUNT: {{ include "sqlrec.workloads.account" . }}
{{- with .Values.storage.secret }}
SQLREC_KUBERNETES_ENV_FROM_SECRETS: {{ . | quote }}
{{- end }}
SQLREC_KUBERNETES_SECRET: {{ .Values.workloads.secret | quote }}
{{- with include "sqlrec.workloads.claim" . }}
SQLREC_KUBERNETES_VOLUME: {{ printf "pvc:%s" . | quote }}
{{- end }}
SQLREC_KUBERNETES_MOUNT: {{ .Values.project.mount | quote }}
SQLREC_KUBERNETES_RUN_AS_USER: {{ .Values.runAsUser | toString | quote }}
SQLREC_KUBERNETES_DEFERRABLE: {{ .Values.workloads.deferrable | quote }}
SQLREC_KUBERNETES_ON_FINISH_ACTION: {{ .Values.workloads.onFinishAction }}
{{- end -}}

{{- define "sqlrec.airflow.config" -}}
AIRFLOW_HOME: /airflow
AIRFLOW__CORE__EXECUTOR: {{ .Values.airflow.executor }}
AIRFLOW__CORE__LOAD_EXAMPLES: "False"
AIRFLOW__CORE__DAGS_FOLDER: /etc/sqlrec/dags
AIRFLOW__CORE__PLUGINS_FOLDER: /opt/airflow/plugins
AIRFLOW__CORE__EXECUTION_API_SERVER_URL: http://{{ include "sqlrec.name" . }}-api-server:8080/execution/
AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS: {{ .Values.airflow.users | quote }}
AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE: /airflow/passwords.json
AIRFLOW__LOGGING__BASE_LOG_FOLDER: {{ .Values.project.mount }}/.airflow/logs
AIRFLOW__SCHEDULER__ENABLE_HEALTH_CHECK: "True"
{{- if eq .Values.airflow.executor "KubernetesExecutor" }}
AIRFLOW__KUBERNETES_EXECUTOR__NAMESPACE: {{ .Release.Namespace }}
AIRFLOW__KUBERNETES_EXECUTOR__POD_TEMPLATE_FILE: /etc/sqlrec/worker/worker.yaml
AIRFLOW__KUBERNETES_EXECUTOR__WORKER_CONTAINER_REPOSITORY: {{ .Values.images.airflow.repository | quote }}
AIRFLOW__KUBERNETES_EXECUTOR__WORKER_CONTAINER_TAG: {{ default .Chart.AppVersion .Values.images.airflow.tag | quote }}
{{- end }}
{{- range $name, $value := .Values.airflow.config }}
{{ $name }}: {{ $value | quote }}
{{- end }}
{{- end -}}

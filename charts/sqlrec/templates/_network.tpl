{{- /* Parts of NetworkPolicies. */ -}}

{{- /* A policy's head: (list . NAME COMPONENT). */ -}}
{{- define "sqlrec.policy" -}}
{{- $top := index . 0 -}}
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  {{- include "sqlrec.metadata" (list $top (index . 1)) | nindent 2 }}
spec:
  podSelector:
    matchLabels:
      {{- include "sqlrec.selector" (list $top (index . 1)) | nindent 6 }}
{{- end -}}

{{- /* Pods of components as peers: (list . "scheduler" "worker" …). */ -}}
{{- define "sqlrec.peers" -}}
- podSelector:
    matchLabels:
      app.kubernetes.io/name: {{ (index . 0).Chart.Name }}
      app.kubernetes.io/instance: {{ (index . 0).Release.Name }}
    matchExpressions:
      - key: app.kubernetes.io/component
        operator: In
        values: {{ rest . | toJson }}
{{- end -}}

{{- /* The same from another namespace. */ -}}
{{- define "sqlrec.peers.abroad" -}}
{{- $top := index . 0 -}}
{{ include "sqlrec.peers" . }}
  namespaceSelector:
    matchLabels:
      kubernetes.io/metadata.name: {{ $top.Release.Namespace }}
{{- end -}}

{{- /* Pods of jobs and services, wherever they are. */ -}}
{{- define "sqlrec.peers.workloads" -}}
- podSelector:
    matchLabels:
      app.kubernetes.io/managed-by: sqlrec
  namespaceSelector:
    matchLabels:
      kubernetes.io/metadata.name: {{ include "sqlrec.workloads.namespace" . }}
{{- end -}}

{{- /* Addresses outside: (list CIDRS PORTS). */ -}}
{{- define "sqlrec.outside" -}}
- to:
    {{- range index . 0 }}
    - ipBlock: {cidr: {{ . }}}
    {{- end }}
  ports:
    {{- range index . 1 }}
    - {protocol: TCP, port: {{ . }}}
    {{- end }}
{{- end -}}

{{- define "sqlrec.egress.names" -}}
- to:
    - namespaceSelector: {}
      podSelector:
        matchLabels:
          k8s-app: kube-dns
  ports:
    - {protocol: UDP, port: 53}
    - {protocol: TCP, port: 53}
{{- end -}}

{{- define "sqlrec.egress.database" -}}
{{- if .Values.database.bundled -}}
- to:
    {{- include "sqlrec.peers" (list . "postgres") | nindent 4 }}
  ports:
    - {protocol: TCP, port: 5432}
{{- else -}}
{{- include "sqlrec.outside" (list .Values.networkPolicies.database.cidrs (list .Values.networkPolicies.database.port)) }}
{{- end }}
{{- end -}}

{{- define "sqlrec.egress.outside" -}}
{{- include "sqlrec.outside" (list .Values.networkPolicies.egress.cidrs .Values.networkPolicies.egress.ports) }}
{{- end -}}

{{- /* The Git repository, by HTTPS or SSH. */ -}}
{{- define "sqlrec.egress.git" -}}
{{- include "sqlrec.outside" (list .Values.networkPolicies.egress.cidrs (list 22 443)) }}
{{- end -}}

{{- define "sqlrec.egress.kubernetes" -}}
{{- include "sqlrec.outside" (list .Values.networkPolicies.kubernetesApi.cidrs .Values.networkPolicies.kubernetesApi.ports) }}
{{- end -}}

{{- define "sqlrec.egress.api" -}}
- to:
    {{- include "sqlrec.peers" (list . "api-server") | nindent 4 }}
  ports:
    - {protocol: TCP, port: 8080}
{{- end -}}

{{- define "sqlrec.egress.mlflow" -}}
{{- if .Values.mlflow.enabled -}}
- to:
    {{- include "sqlrec.peers" (list . "mlflow") | nindent 4 }}
  ports:
    - {protocol: TCP, port: 5000}
{{- end -}}
{{- end -}}

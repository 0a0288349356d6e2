{{- define "managed-databases-operator.name" -}}
{{- .Values.nameOverride | default .Chart.Name | trunc 63 | trimSuffix "-" -}}
{{- end }}

{{- define "managed-databases-operator.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 63 | trimSuffix "-" -}}
{{- else if contains (include "managed-databases-operator.name" .) .Release.Name -}}
{{- .Release.Name | trunc 63 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name (include "managed-databases-operator.name" .) | trunc 63 | trimSuffix "-" -}}
{{- end -}}
{{- end }}

{{- /* ClusterRoles are shared by all namespaces: two releases of one name must not share one. */ -}}
{{- define "managed-databases-operator.clusterName" -}}
{{- printf "%s-%s" .Release.Namespace (include "managed-databases-operator.fullname" .) -}}
{{- end }}

{{- define "managed-databases-operator.serviceAccountName" -}}
{{- (.Values.serviceAccount).name | default (include "managed-databases-operator.fullname" .) -}}
{{- end }}

{{- define "managed-databases-operator.createsServiceAccount" -}}
{{- if dig "create" true (.Values.serviceAccount | default dict) -}}true{{- end -}}
{{- end }}

{{- /* All scalars are quoted: a release, namespace or label may be called 1e-05, 0x1f or null. */ -}}
{{- define "managed-databases-operator.selectorLabels" -}}
app.kubernetes.io/name: {{ include "managed-databases-operator.name" . | quote }}
app.kubernetes.io/instance: {{ .Release.Name | quote }}
{{- end }}

{{- define "managed-databases-operator.labels" -}}
{{ include "managed-databases-operator.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service | quote }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | quote }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "managed-databases-operator.podLabels" -}}
{{ include "managed-databases-operator.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service | quote }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | quote }}
{{- with merge (dict) (.Values.podLabels | default dict) (.Values.commonLabels | default dict) }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- /* The metrics' port; values that an older chart had do not have it. */ -}}
{{- define "managed-databases-operator.metricsPort" -}}
{{- dig "port" 8443 (.Values.metrics | default dict) -}}
{{- end }}

{{- define "managed-databases-operator.metricsSecret" -}}
{{- dig "tls" "secretName" "" (.Values.metrics | default dict) -}}
{{- end }}

{{- /* Whether others than those in the Pod itself may reach the metrics: as soon as something is made that reads them. */ -}}
{{- define "managed-databases-operator.metricsAreReachable" -}}
{{- $metrics := .Values.metrics | default dict -}}
{{- if or (dig "reachable" false $metrics) (dig "service" "create" false $metrics) (dig "serviceMonitor" "create" false $metrics) (dig "podMonitor" "create" false $metrics) -}}
true
{{- end -}}
{{- end }}

{{- /* The part of a monitor's endpoint that says how to get in; of `monitor`, its values, and `root`. */ -}}
{{- define "managed-databases-operator.metricsEndpoint" -}}
{{- if include "managed-databases-operator.metricsSecret" .root }}
scheme: https
tlsConfig:
  {{- toYaml .tlsConfig | nindent 2 }}
{{- end }}
{{- with .monitor.authorization }}
authorization:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{- define "managed-databases-operator.subjects" -}}
- kind: ServiceAccount
  name: {{ include "managed-databases-operator.serviceAccountName" . | quote }}
  namespace: {{ .Release.Namespace | quote }}
{{- end }}

{{- /* As the API server calls the operator's account. */ -}}
{{- define "managed-databases-operator.userName" -}}
{{- printf "system:serviceaccount:%s:%s" .Release.Namespace (include "managed-databases-operator.serviceAccountName" .) -}}
{{- end }}

{{- define "managed-databases-operator.image" -}}
{{- $repository := .Values.image.repository -}}
{{- if not $repository -}}
{{- fail "image.repository is empty: name the image that you have pushed, such as --set image.repository=registry.example.com/managed-databases-operator (docs/installing.md); an upgrade with --reset-then-reuse-values keeps the name that was given before" -}}
{{- end -}}
{{- if .Values.image.digest -}}
{{- printf "%s@%s" $repository .Values.image.digest -}}
{{- else -}}
{{- printf "%s:%s" $repository (.Values.image.tag | default .Chart.AppVersion) -}}
{{- end -}}
{{- end }}

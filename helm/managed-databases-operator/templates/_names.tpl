{{- define "managed-databases-operator.fullname" -}}
{{- if contains .Chart.Name .Release.Name -}}
{{- .Release.Name | trunc 63 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name .Chart.Name | trunc 63 | trimSuffix "-" -}}
{{- end -}}
{{- end }}

{{- /* ClusterRoles are shared by all namespaces: two releases of one name must not share one. */ -}}
{{- define "managed-databases-operator.clusterName" -}}
{{- printf "%s-%s" .Release.Namespace (include "managed-databases-operator.fullname" .) -}}
{{- end }}

{{- define "managed-databases-operator.selectorLabels" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "managed-databases-operator.labels" -}}
{{ include "managed-databases-operator.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end }}

{{- define "managed-databases-operator.subjects" -}}
- kind: ServiceAccount
  name: {{ include "managed-databases-operator.fullname" . }}
  namespace: {{ .Release.Namespace }}
{{- end }}

{{- /* The API server knows DatabaseProject only after the CRDs were installed, and Helm checks all before it begins. */ -}}
{{- define "managed-databases-operator.projectsKnown" -}}
{{- if .Capabilities.APIVersions.Has "manageddatabases.io/v1alpha1/DatabaseProject" -}}true{{- end -}}
{{- end }}

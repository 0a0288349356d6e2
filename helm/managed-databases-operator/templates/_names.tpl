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

{{- define "managed-databases-operator.subjects" -}}
- kind: ServiceAccount
  name: {{ include "managed-databases-operator.serviceAccountName" . | quote }}
  namespace: {{ .Release.Namespace | quote }}
{{- end }}

{{- define "managed-databases-operator.image" -}}
{{- $repository := .Values.image.repository -}}
{{- if .Values.image.digest -}}
{{- printf "%s@%s" $repository .Values.image.digest -}}
{{- else -}}
{{- printf "%s:%s" $repository (.Values.image.tag | default .Chart.AppVersion) -}}
{{- end -}}
{{- end }}

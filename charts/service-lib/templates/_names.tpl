{{- define "service-lib.name" -}}
{{ .root.Release.Name }}-{{ .shape.name }}
{{- end }}

{{/* The object's name of one role: the serving one is the service itself. */}}
{{- define "service-lib.role-name" -}}
{{ include "service-lib.name" . }}{{ if ne .role "serve" }}-{{ .role }}{{ end }}
{{- end }}

{{/* What a selector may use: never changes in the life of a release. */}}
{{- define "service-lib.selector" -}}
app.kubernetes.io/name: {{ .shape.name }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
{{- with .role }}
app.kubernetes.io/component: {{ . }}
{{- end }}
{{- end }}

{{- define "service-lib.labels" -}}
{{ include "service-lib.selector" . }}
app.kubernetes.io/part-of: preau
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .shape.image .root.Chart.Version }}
{{- end }}

{{- define "service-lib.metadata" -}}
name: {{ include "service-lib.role-name" . }}
namespace: {{ .root.Release.Namespace }}
labels: {{- include "service-lib.labels" . | nindent 2 }}
{{- end }}

{{- define "service-lib.image" -}}
{{- $images := .values.global.images -}}
{{ $images.registry }}/{{ .shape.image }}:{{ $images.tag | default .root.Chart.AppVersion }}
{{- end }}

{{- define "service-lib.secret" -}}
{{ .values.secret | default (include "service-lib.name" .) }}
{{- end }}

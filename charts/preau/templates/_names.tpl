{{- define "preau.labels" -}}
app.kubernetes.io/name: {{ .name }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/part-of: preau
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version }}
{{- end }}

{{- define "preau.services" -}}
services: [identity, agenda, billing, payment]
{{- end }}

{{/* Four fifths of a memory limit in Mi or Gi, as Go reads it: above that it collects rather than grows. */}}
{{- define "preau.go-memory" -}}
{{- if regexMatch "^[0-9]+[MG]i$" . -}}
{{ div (mul (regexFind "^[0-9]+" .) 8 (ternary 1024 1 (hasSuffix "Gi" .))) 10 }}MiB
{{- end -}}
{{- end }}

{{/* The pods that use a database or the broker, as a NetworkPolicy peer. */}}
{{- define "preau.service-pods" -}}
podSelector:
  matchLabels: {app.kubernetes.io/instance: {{ .Release.Name }}, app.kubernetes.io/part-of: preau}
  matchExpressions:
    - {key: app.kubernetes.io/name, operator: In, values: {{ (include "preau.services" . | fromYaml).services | toJson }}}
{{- end }}

{{/* Every object of a service, each passed through the service's `patch` list. */}}
{{- define "service-lib.all" -}}
{{- $context := fromYaml (include "service-lib.context" .) -}}
{{- $_ := set $context "root" . -}}
{{- $shape := $context.shape -}}
{{- $v := $context.values -}}
{{- $emit := list (list "service-account" "serve") (list "service" "serve") -}}
{{- range $role := $shape.roles -}}
  {{- $c := merge (dict "role" $role) $context -}}
  {{- if eq $role "migrate" -}}
    {{- $emit = append $emit (list "migrate-job" $role) -}}
  {{- else -}}
    {{- $emit = append $emit (list "deployment" $role) -}}
    {{- $scaled := include "service-lib.is-scaled" $c -}}
    {{- if eq $scaled "cpu" }}{{ $emit = append $emit (list "autoscaler" $role) }}{{ end -}}
    {{- if eq $scaled "lag" }}{{ $emit = append $emit (list "lag-scaler" $role) }}{{ end -}}
    {{- $count := int (ternary $v.work.replicas $v.replicas (eq $role "work")) -}}
    {{- if or $scaled (gt $count 1) }}{{ $emit = append $emit (list "disruption-budget" $role) }}{{ end -}}
  {{- end -}}
  {{- if $v.global.network.enabled }}{{ $emit = append $emit (list "network-policy" $role) }}{{ end -}}
{{- end -}}
{{- $used := dict -}}
{{- range $emit -}}
  {{- $c := merge (dict "role" (index . 1)) $context -}}
  {{- $object := fromYaml (include (printf "service-lib.%s" (index . 0)) $c) -}}
  {{- with $object.Error }}{{ fail . }}{{ end -}}
  {{- $id := printf "%s/%s" $object.kind (index . 1) -}}
  {{- range $v.patch -}}
    {{- if eq .target $id -}}
      {{- $object = mergeOverwrite $object (deepCopy .merge) -}}
      {{- $_ := set $used $id true -}}
    {{- end -}}
  {{- end }}
---
{{ toYaml $object }}
{{ end -}}
{{- range $v.patch -}}
  {{- if not (hasKey $used .target) }}{{ fail (printf "patch: there is no %s in %s" .target $shape.name) }}{{ end -}}
{{- end -}}
{{- end }}

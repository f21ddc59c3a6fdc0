{{/*
A process's environment as a YAML list. Everything is in the pod itself, nothing in a ConfigMap: an upgrade's migrate
Job, which runs before anything else changes, sees the new values.
*/}}
{{- define "service-lib.env" -}}
{{- $v := .values -}}
{{- $g := $v.global -}}
{{- $plain := dict "ENV" $g.env "LOG_LEVEL" $g.logLevel -}}
{{- $hasDatabase := has "migrate" .shape.roles -}}
{{- if ne .role "migrate" -}}
  {{- $_ := set $plain "TRACE_RATIO" (toString $g.telemetry.ratio) -}}
  {{- with include "service-lib.otlp-endpoint" . }}{{ $_ := set $plain "OTLP_ENDPOINT" . }}{{ end -}}
  {{- with $g.now }}{{ $_ := set $plain "NOW" . }}{{ end -}}
  {{- with $g.nowAnchor }}{{ $_ := set $plain "NOW_ANCHOR" . }}{{ end -}}
  {{- $root := .root -}}
  {{- range .shape.calls }}
    {{- $_ := set $plain (printf "%s_ADDRESS" (upper .)) (printf "%s-%s:50051" $root.Release.Name .) -}}
  {{- end -}}
  {{- range $name, $text := .shape.env }}{{ $_ := set $plain $name $text }}{{ end -}}
{{- end -}}
{{- if ne .role "migrate" }}{{ $_ := set $plain "LISTEN" (printf "0.0.0.0:%d" (int .shape.port)) }}{{ end -}}
{{- if $hasDatabase }}{{ $_ := set $plain "STREAM_REPLICAS" (toString $g.nats.replicas) }}{{ end -}}
{{- range $name, $value := $v.settings }}
  {{- if not (kindIs "invalid" $value) }}{{ $_ := set $plain (upper $name) (include "service-lib.text" $value) }}{{ end -}}
{{- end -}}
{{- if and $hasDatabase $g.postgres.create }}
{{ include "service-lib.database-passwords" . }}
{{- end }}
{{- if and $hasDatabase $g.nats.create }}
- name: PREAU_NATS_PASSWORD
  valueFrom: {secretKeyRef: {name: {{ .root.Release.Name }}-nats, key: {{ .shape.name }}}}
{{- $_ := set $plain "NATS_USER" .shape.name -}}
{{- $_ := set $plain "NATS_URL" (printf "nats://%s-nats:%d" .root.Release.Name (int $g.nats.port)) -}}
{{- else if $hasDatabase }}
{{- with $g.nats.url }}{{ $_ := set $plain "NATS_URL" . }}{{ end -}}
{{- if $g.nats.credentialsFile }}{{ $_ := set $plain "NATS_CREDENTIALS_FILE" "/etc/preau/nats/nats.creds" }}{{ end -}}
{{- end }}
{{- if and $hasDatabase $g.postgres.create }}
  {{- range $variable, $role := include "service-lib.database-roles" . | fromYaml }}
    {{- $_ := set $plain $variable (include "service-lib.cluster-url" (merge (dict "databaseRole" $role) $)) -}}
  {{- end -}}
{{- end }}
{{- range $name, $value := $plain }}
- name: PREAU_{{ $name }}
  value: {{ $value | quote }}
{{- end }}
{{ include "service-lib.secret-env" . }}
{{- end }}

{{/* Where telemetry goes: the release's own collector, or one that was named; empty for nowhere. */}}
{{- define "service-lib.otlp-endpoint" -}}
{{- $g := .values.global -}}
{{- if and $g.collector.enabled $g.telemetry.endpoint -}}
  {{- fail "global.telemetry.endpoint and global.collector.enabled: only one of them" -}}
{{- end -}}
{{- if $g.collector.enabled }}http://{{ .root.Release.Name }}-collector:4317{{ else }}{{ $g.telemetry.endpoint }}{{ end -}}
{{- end }}

{{/* 120 stays 120 and 0.5 stays 0.5, whichever way helm read them. */}}
{{- define "service-lib.text" -}}
{{- if not (kindIs "float64" .) }}{{ . }}{{ else if eq (floor .) . }}{{ int64 . }}{{ else }}{{ . }}{{ end }}
{{- end }}

{{- define "service-lib.database-roles" -}}
{{- if eq .role "migrate" }}
OWNER_DATABASE_URL: owner
{{- else }}
DATABASE_URL: app
WORK_DATABASE_URL: work
{{- end }}
{{- end }}

{{- define "service-lib.database-passwords" -}}
{{- range $role := include "service-lib.database-roles" . | fromYaml | values | sortAlpha }}
- name: {{ upper $role }}_PASSWORD
  valueFrom: {secretKeyRef: {name: {{ $.root.Release.Name }}-db-{{ $.shape.name }}-{{ $role }}, key: password}}
{{- end }}
{{- end }}

{{- define "service-lib.cluster-url" -}}
{{- $name := .shape.name -}}
postgresql://{{ $name }}_{{ .databaseRole }}:$({{ upper .databaseRole }}_PASSWORD)@{{ .root.Release.Name }}-db-rw:5432/{{ $name }}?sslmode=verify-full&sslrootcert=/etc/preau/database/ca.crt
{{- end }}

{{/* Non-empty when the broker is not ours and takes a credentials file. */}}
{{- define "service-lib.has-broker-file" -}}
{{- $n := .values.global.nats -}}
{{- if and (has "migrate" .shape.roles) (not $n.create) $n.credentialsFile }}yes{{ end -}}
{{- end }}

{{/* Variables that come from the service's Secret. `optional` ones may be missing there. */}}
{{- define "service-lib.secret-env" -}}
{{- $g := .values.global -}}
{{- $hasDatabase := has "migrate" .shape.roles -}}
{{- $names := dict -}}
{{- if $hasDatabase -}}
  {{- $_ := set $names "PAGE_TOKEN_KEY" false -}}
  {{- if not (or $g.nats.create $g.nats.url) }}{{ $_ := set $names "NATS_URL" false }}{{ end -}}
  {{- if not (or $g.nats.create $g.nats.credentialsFile) -}}
    {{- range list "NATS_USER" "NATS_PASSWORD" "NATS_TOKEN" }}{{ $_ := set $names . true }}{{ end -}}
  {{- end -}}
  {{- if not $g.postgres.create -}}
    {{- range $variable, $_role := include "service-lib.database-roles" . | fromYaml }}{{ $_ := set $names $variable false }}{{ end -}}
  {{- end -}}
{{- end -}}
{{- if ne .role "migrate" }}
  {{- range .shape.secrets }}{{ $_ := set $names . false }}{{ end -}}
  {{- range .shape.optionalSecrets }}{{ $_ := set $names . true }}{{ end -}}
{{- end -}}
{{- $secret := include "service-lib.secret" . -}}
{{- range $name, $isOptional := $names }}
- name: PREAU_{{ $name }}
  valueFrom:
    secretKeyRef:
      name: {{ $secret }}
      key: {{ $name | lower | replace "_" "-" }}
      {{- if $isOptional }}
      optional: true
      {{- end }}
{{- end }}
{{- end }}

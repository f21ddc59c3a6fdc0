{{/*
One policy for each role of a service: the arrows of the design and nothing else. `shape.calledBy` and `shape.calls`
are those arrows; a role's pods reach only what that role needs.
*/}}
{{- define "service-lib.network-policy" -}}
{{- $g := .values.global -}}
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {{- include "service-lib.metadata" . | nindent 2 }}
spec:
  podSelector:
    matchLabels: {{- include "service-lib.selector" . | nindent 6 }}
  policyTypes: [Ingress, Egress]
  {{- if ne .role "serve" }}
  ingress: []
  {{- else }}
  ingress:
    - ports: [{protocol: TCP, port: {{ .shape.port }}}]
      from:
        {{- if .shape.isEdge }}
        {{- if $g.network.ingress }}
        {{- toYaml $g.network.ingress | nindent 8 }}
        {{- else }}
        - namespaceSelector: {}
        {{- end }}
        {{- else }}
        {{- range .shape.calledBy }}
        - podSelector:
            matchLabels:
              app.kubernetes.io/instance: {{ $.root.Release.Name }}
              app.kubernetes.io/name: {{ .service }}
              app.kubernetes.io/component: {{ .role }}
        {{- end }}
        {{- end }}
  {{- end }}
  egress:
    - ports: [{protocol: UDP, port: 53}, {protocol: TCP, port: 53}]
      to: {{- toYaml $g.network.dns | nindent 8 }}
    {{- if eq .role "serve" }}
    {{- range .shape.calls }}
    - ports: [{protocol: TCP, port: 50051}]
      to:
        - podSelector:
            matchLabels:
              app.kubernetes.io/instance: {{ $.root.Release.Name }}
              app.kubernetes.io/name: {{ . }}
              app.kubernetes.io/component: serve
    {{- end }}
    {{- end }}
    {{- if has "migrate" .shape.roles }}
    - ports: [{protocol: TCP, port: {{ $g.postgres.port }}}]
      {{- if $g.postgres.create }}
      to: [{podSelector: {matchLabels: {cnpg.io/cluster: {{ .root.Release.Name }}-db}}}]
      {{- else if $g.postgres.to }}
      to: {{- toYaml $g.postgres.to | nindent 8 }}
      {{- end }}
    - ports: [{protocol: TCP, port: {{ $g.nats.port }}}]
      {{- if $g.nats.create }}
      to: [{podSelector: {matchLabels: {app.kubernetes.io/name: nats, app.kubernetes.io/instance: {{ .root.Release.Name }}}}}]
      {{- else if $g.nats.to }}
      to: {{- toYaml $g.nats.to | nindent 8 }}
      {{- end }}
    {{- end }}
    {{- if and $g.collector.enabled (ne .role "migrate") }}
    - ports: [{protocol: TCP, port: 4317}]
      to: [{podSelector: {matchLabels: {app.kubernetes.io/name: collector, app.kubernetes.io/instance: {{ .root.Release.Name }}}}}]
    {{- else if and $g.telemetry.endpoint (ne .role "migrate") }}
    - ports: [{protocol: TCP, port: {{ $g.telemetry.port }}}]
      {{- with $g.telemetry.to }}
      to: {{- toYaml . | nindent 8 }}
      {{- end }}
    {{- end }}
    {{- if and .shape.sendsMail (eq .role "work") $g.network.smtpPorts }}
    - ports:
        {{- range $g.network.smtpPorts }}
        - {protocol: TCP, port: {{ . }}}
        {{- end }}
    {{- end }}
    {{- if and .shape.callsProviders (ne .role "migrate") }}
    # The payment providers: any public address, no private one.
    - ports: [{protocol: TCP, port: 443}]
      to:
        - ipBlock: {cidr: 0.0.0.0/0, except: {{ toJson $g.network.private }}}
    {{- with $g.network.providers }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
    {{- end }}
{{- end }}

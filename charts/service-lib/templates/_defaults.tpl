{{/*
What a service chart need not say. A service's own values, then the umbrella's `global`, win over these.
*/}}
{{- define "service-lib.defaults" -}}
replicas: 2
secret: ""
settings: {}
patch: []
resources:
  requests: {cpu: 100m, memory: 160Mi}
  limits: {memory: 384Mi}
work:
  replicas: 1
  resources:
    requests: {cpu: 100m, memory: 160Mi}
    limits: {memory: 384Mi}
autoscaling: {enabled: false, min: 2, max: 8, cpu: 70}
global:
  images: {registry: localhost/preau, tag: "", pullPolicy: IfNotPresent, pullSecrets: []}
  env: production
  domain: preau.localhost
  logLevel: info
  now: ""
  nowAnchor: ""
  telemetry: {endpoint: "", ratio: 0.05, port: 4317, to: []}
  collector: {enabled: false}
  postgres: {create: false, port: 5432, to: []}
  nats: {create: false, replicas: 3, port: 4222, to: [], url: "", credentialsFile: false}
  keda: {enabled: false, lag: 100, natsMonitor: "", account: $G}
  priorityClassName: ""
  network:
    enabled: true
    ingress: []
    dns:
      - namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: kube-system}}
    smtpPorts: [25, 465, 587]
    private: [10.0.0.0/8, 100.64.0.0/10, 169.254.0.0/16, 172.16.0.0/12, 192.168.0.0/16]
    providers: []
{{- end }}

{{/*
The context every other template takes: `root` (helm's), `values` (defaults under what was given), `shape` (the
chart's service.yaml: what is true of the service wherever it runs).
*/}}
{{- define "service-lib.context" -}}
{{- $values := mergeOverwrite (fromYaml (include "service-lib.defaults" .)) (deepCopy (omit .Values "service-lib")) -}}
{{- $shape := fromYaml (.Files.Get "service.yaml") -}}
{{- toYaml (dict "values" $values "shape" $shape) -}}
{{- end }}

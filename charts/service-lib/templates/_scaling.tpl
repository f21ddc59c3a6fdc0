{{/* Non-empty when something else than the chart decides how many pods there are. */}}
{{- define "service-lib.is-scaled" -}}
{{- if .values.autoscaling.enabled -}}
{{- if eq .role "serve" }}cpu{{ else if and .shape.consumers (or .values.global.keda.enabled .values.global.lagMetric) }}lag{{ end -}}
{{- end -}}
{{- end }}

{{- define "service-lib.autoscaler" -}}
{{- $a := .values.autoscaling -}}
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {{- include "service-lib.metadata" . | nindent 2 }}
spec:
  scaleTargetRef:
    apiVersion: apps/v1
    kind: Deployment
    name: {{ include "service-lib.role-name" . }}
  minReplicas: {{ $a.min }}
  maxReplicas: {{ $a.max }}
  metrics:
    - type: Resource
      resource:
        name: cpu
        # Of a core, whatever is requested: a Python process has one.
        target: {type: AverageValue, averageValue: {{ mul $a.cpu 10 }}m}
  behavior:
    # Opening day comes at once and leaves slowly.
    scaleUp:
      stabilizationWindowSeconds: 0
      policies: [{type: Percent, value: 100, periodSeconds: 15}]
    scaleDown:
      stabilizationWindowSeconds: 600
      policies: [{type: Pods, value: 1, periodSeconds: 60}]
{{- end }}

{{- define "service-lib.lag-scaler" -}}
{{- include (ternary "service-lib.keda-scaler" "service-lib.metric-scaler" .values.global.keda.enabled) . -}}
{{- end }}

{{- define "service-lib.metric-scaler" -}}
{{- $g := .values.global -}}
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {{- include "service-lib.metadata" . | nindent 2 }}
spec:
  scaleTargetRef:
    apiVersion: apps/v1
    kind: Deployment
    name: {{ include "service-lib.role-name" . }}
  minReplicas: {{ .values.work.replicas }}
  maxReplicas: {{ max (int .values.work.replicas) (int .values.autoscaling.max) }}
  metrics:
    {{- range .shape.consumers }}
    - type: External
      external:
        metric:
          name: {{ $g.lagMetric }}
          selector: {matchLabels: {messaging_consumer_group_name: {{ .durable }}}}
        target: {type: AverageValue, averageValue: {{ $g.keda.lag | quote }}}
    {{- end }}
  behavior:
    scaleDown:
      stabilizationWindowSeconds: 300
{{- end }}

{{- define "service-lib.keda-scaler" -}}
{{- $g := .values.global -}}
{{- /* KEDA asks the server that leads a consumer, as <server>.<this>: the Service that gives the servers their names. */ -}}
{{- $own := ternary (printf "%s-nats-peers.%s.svc:8222" .root.Release.Name .root.Release.Namespace) "" $g.nats.create -}}
{{- $monitor := required "global.keda.natsMonitor: say where the broker's monitoring answers" ($g.keda.natsMonitor | default $own) -}}
apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata: {{- include "service-lib.metadata" . | nindent 2 }}
spec:
  scaleTargetRef:
    name: {{ include "service-lib.role-name" . }}
  minReplicaCount: {{ .values.work.replicas }}
  maxReplicaCount: {{ max (int .values.work.replicas) (int .values.autoscaling.max) }}
  cooldownPeriod: 300
  triggers:
    {{- range .shape.consumers }}
    - type: nats-jetstream
      metadata:
        natsServerMonitoringEndpoint: {{ $monitor }}
        account: {{ $g.keda.account | quote }}
        stream: {{ .stream }}
        consumer: {{ .durable }}
        lagThreshold: {{ $g.keda.lag | quote }}
    {{- end }}
{{- end }}

{{- define "service-lib.disruption-budget" -}}
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {{- include "service-lib.metadata" . | nindent 2 }}
spec:
  maxUnavailable: 1
  unhealthyPodEvictionPolicy: AlwaysAllow
  selector:
    matchLabels: {{- include "service-lib.selector" . | nindent 6 }}
{{- end }}

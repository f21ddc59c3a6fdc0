{{/* Non-empty when something else than the chart decides how many pods there are. */}}
{{- define "service-lib.is-scaled" -}}
{{- if .values.autoscaling.enabled -}}
{{- if eq .role "serve" }}cpu{{ else if and .values.global.keda.enabled .shape.consumers }}lag{{ end -}}
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
        target: {type: Utilization, averageUtilization: {{ $a.cpu }}}
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
{{- $g := .values.global -}}
{{- $own := ternary (printf "%s-nats.%s.svc:8222" .root.Release.Name .root.Release.Namespace) "" $g.nats.create -}}
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

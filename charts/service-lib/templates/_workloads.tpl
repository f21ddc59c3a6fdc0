{{- define "service-lib.deployment" -}}
{{- $own := ternary .values.work .values (eq .role "work") -}}
{{- $scaled := include "service-lib.is-scaled" . -}}
apiVersion: apps/v1
kind: Deployment
metadata: {{- include "service-lib.metadata" . | nindent 2 }}
spec:
  {{- if not $scaled }}
  replicas: {{ $own.replicas }}
  {{- end }}
  revisionHistoryLimit: 3
  # No connection age can be shorter than this: a pod counts once its clients have had time to see it.
  minReadySeconds: 5
  strategy:
    type: RollingUpdate
    rollingUpdate: {maxUnavailable: 0, maxSurge: 1}
  selector:
    matchLabels: {{- include "service-lib.selector" . | nindent 6 }}
  template: {{- include "service-lib.pod" . | nindent 4 }}
{{- end }}

{{/*
Before an upgrade (the old code then runs on the new schema: expand now, contract a release later) and after a first
installation (whose database may belong to the same release, which a pre-install hook could not reach).
Kept after a failure, for its log.
*/}}
{{- define "service-lib.migrate-job" -}}
apiVersion: batch/v1
kind: Job
metadata:
  {{- include "service-lib.metadata" . | nindent 2 }}
  annotations:
    helm.sh/hook: post-install,pre-upgrade
    helm.sh/hook-weight: "0"
    helm.sh/hook-delete-policy: before-hook-creation
spec:
  backoffLimit: 8
  activeDeadlineSeconds: 900
  ttlSecondsAfterFinished: 86400
  template: {{- include "service-lib.pod" . | nindent 4 }}
{{- end }}

{{- define "service-lib.service-account" -}}
apiVersion: v1
kind: ServiceAccount
metadata: {{- include "service-lib.metadata" . | nindent 2 }}
automountServiceAccountToken: false
{{- end }}

{{/* Headless for gRPC: clients see every pod and take turns; one address would keep them all on one pod. */}}
{{- define "service-lib.service" -}}
apiVersion: v1
kind: Service
metadata: {{- include "service-lib.metadata" . | nindent 2 }}
spec:
  {{- if eq .shape.portName "grpc" }}
  clusterIP: None
  {{- end }}
  selector: {{- include "service-lib.selector" . | nindent 4 }}
  ports:
    - name: {{ .shape.portName }}
      port: {{ .shape.port }}
      targetPort: {{ .shape.portName }}
      {{- if eq .shape.portName "grpc" }}
      appProtocol: kubernetes.io/h2c
      {{- end }}
{{- end }}

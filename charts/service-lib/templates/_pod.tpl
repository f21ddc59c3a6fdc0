{{/* The pod of one role. Restricted PodSecurity, read-only root, one process, nothing of the API server's. */}}
{{- define "service-lib.pod" -}}
{{- $g := .values.global -}}
{{- $work := eq .role "work" -}}
metadata:
  labels: {{- include "service-lib.labels" . | nindent 4 }}
spec:
  serviceAccountName: {{ include "service-lib.name" . }}
  automountServiceAccountToken: false
  # Otherwise Kubernetes adds PREAU_…_PORT variables of its own to a release called preau.
  enableServiceLinks: false
  {{- with $g.priorityClassName }}
  priorityClassName: {{ . }}
  {{- end }}
  # More than the pause before the signal, the calls' last 25 s and what is closed after them.
  terminationGracePeriodSeconds: 40
  securityContext:
    runAsNonRoot: true
    runAsUser: 10001
    runAsGroup: 10001
    fsGroup: 10001
    seccompProfile: {type: RuntimeDefault}
  {{- with $g.images.pullSecrets }}
  imagePullSecrets:
    {{- range . }}
    - name: {{ . }}
    {{- end }}
  {{- end }}
  {{- if eq .role "migrate" }}
  restartPolicy: OnFailure
  {{- else }}
  topologySpreadConstraints:
    {{- range $key := list "topology.kubernetes.io/zone" "kubernetes.io/hostname" }}
    - topologyKey: {{ $key }}
      maxSkew: 1
      whenUnsatisfiable: ScheduleAnyway
      matchLabelKeys: [pod-template-hash]
      labelSelector:
        matchLabels: {{- include "service-lib.selector" $ | nindent 10 }}
    {{- end }}
  {{- end }}
  containers:
    - name: {{ .role }}
      image: {{ include "service-lib.image" . }}
      imagePullPolicy: {{ $g.images.pullPolicy }}
      args: {{ .shape.hasVerbs | ternary (list .role) list | toJson }}
      env:
        - name: HOME
          value: /tmp
        {{- include "service-lib.env" . | nindent 8 }}
      {{- if ne .role "migrate" }}
      ports:
        - name: {{ .shape.portName }}
          containerPort: {{ .shape.port }}
      {{- include (printf "service-lib.probes-%s" .shape.portName) . | nindent 6 }}
      lifecycle:
        preStop: {sleep: {seconds: 5}}
      {{- end }}
      resources: {{- ternary .values.work.resources .values.resources $work | toYaml | nindent 8 }}
      securityContext:
        allowPrivilegeEscalation: false
        readOnlyRootFilesystem: true
        capabilities: {drop: [ALL]}
      volumeMounts:
        - name: tmp
          mountPath: /tmp
        {{- if ne .role "migrate" }}
        {{- range .shape.files }}
        - name: {{ .name }}
          mountPath: {{ .mountPath }}
          readOnly: true
        {{- end }}
        {{- end }}
        {{- if and (has "migrate" .shape.roles) $g.postgres.create }}
        - name: database-ca
          mountPath: /etc/preau/database
          readOnly: true
        {{- end }}
        {{- if include "service-lib.has-broker-file" . }}
        - name: broker
          mountPath: /etc/preau/nats
          readOnly: true
        {{- end }}
  volumes:
    - name: tmp
      emptyDir: {sizeLimit: 64Mi}
    {{- if ne .role "migrate" }}
    {{- range .shape.files }}
    - name: {{ .name }}
      secret:
        secretName: {{ include "service-lib.secret" $ }}
        defaultMode: 288
        items: [{key: {{ .key }}, path: {{ .key }}}]
    {{- end }}
    {{- end }}
    {{- if and (has "migrate" .shape.roles) $g.postgres.create }}
    - name: database-ca
      secret:
        secretName: {{ .root.Release.Name }}-db-ca
        defaultMode: 288
        items: [{key: ca.crt, path: ca.crt}]
    {{- end }}
    {{- if include "service-lib.has-broker-file" . }}
    - name: broker
      secret:
        secretName: {{ include "service-lib.secret" . }}
        defaultMode: 288
        items: [{key: nats.creds, path: nats.creds}]
    {{- end }}
{{- end }}

{{/*
Started and alive: `live`, the process by itself, whose event loop turns and whose consumers, relay and jobs do; a
database or broker that is away restarts nobody. Ready: the service's whole health, database, broker and schema; a worker
that is not ready ends nothing but shows in `kubectl rollout status`, which then stops an upgrade.
*/}}
{{- define "service-lib.probes-grpc" -}}
startupProbe:
  grpc: {port: {{ .shape.port }}, service: live}
  periodSeconds: 1
  timeoutSeconds: 3
  failureThreshold: 120
livenessProbe:
  grpc: {port: {{ .shape.port }}, service: live}
  periodSeconds: 10
  timeoutSeconds: 5
  failureThreshold: 3
readinessProbe:
  grpc: {port: {{ .shape.port }}, service: ""}
  periodSeconds: 3
  timeoutSeconds: 3
  failureThreshold: 2
{{- end }}

{{- define "service-lib.probes-http" -}}
startupProbe:
  httpGet: {path: /health/live, port: http}
  periodSeconds: 1
  failureThreshold: 120
livenessProbe:
  httpGet: {path: /health/live, port: http}
  periodSeconds: 10
  timeoutSeconds: 3
  failureThreshold: 3
readinessProbe:
  httpGet: {path: /health/ready, port: http}
  periodSeconds: 3
  timeoutSeconds: 3
  failureThreshold: 2
{{- end }}

{{- define "agent-sessions.name" -}}
{{- printf "%s-%s" .Release.Name .Chart.Name | trunc 45 | trimSuffix "-" -}}
{{- end -}}

{{- define "agent-sessions.serviceAccount" -}}
{{- if .Values.serviceAccount.create }}{{ .Values.serviceAccount.name | default (include "agent-sessions.name" .) }}{{ else }}{{ .Values.serviceAccount.name | default "default" }}{{ end -}}
{{- end -}}

{{- define "agent-sessions.labels" -}}
app.kubernetes.io/name: {{ .root.Chart.Name }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ .root.Chart.Name }}-{{ .root.Chart.Version }}
{{- end -}}

{{- define "agent-sessions.selector" -}}
app.kubernetes.io/name: {{ .root.Chart.Name }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end -}}

{{- /* The URL of a role: .source has `url` and `existingSecret`. */ -}}
{{- define "agent-sessions.databaseUrl" -}}
- name: SESSION_BACKEND_URL
{{- if .source.existingSecret.name }}
  valueFrom: {secretKeyRef: {name: {{ .source.existingSecret.name | quote }}, key: {{ .source.existingSecret.key | quote }}}}
{{- else }}
  value: {{ required .missing .source.url | quote }}
{{- end }}
{{- end -}}

{{- define "agent-sessions.databaseVariables" -}}
{{- with .Values.database.schema }}
- {name: DATABASE_SCHEMA, value: {{ . | quote }}}
{{- end }}
{{- if .Values.database.iamAuth }}
- {name: DATABASE_IAM_AUTH, value: "true"}
{{- end }}
{{- if .Values.database.caConfigMap.name }}
- {name: DATABASE_CA_FILE, value: /etc/database/{{ .Values.database.caConfigMap.key }}}
{{- end }}
{{- end -}}

{{- define "agent-sessions.callers" -}}
{{- if and .header .jwt.issuer }}{{ fail "callers.header and callers.jwt.issuer exclude each other: set one of them" }}{{ end }}
{{- if .header }}
- {name: CALLER_HEADER, value: {{ .header | quote }}}
{{- else if .jwt.issuer }}
- {name: JWT_ISSUER, value: {{ .jwt.issuer | quote }}}
- {name: JWT_AUDIENCE, value: {{ required "callers.jwt.audience must be set: a token made for others must not be taken" .jwt.audience | quote }}}
- {name: JWT_OWNER_CLAIM, value: {{ .jwt.ownerClaim | quote }}}
{{- with .jwt.jwksUrl }}
- {name: JWT_JWKS_URL, value: {{ . | quote }}}
{{- end }}
{{- else }}{{ fail "callers must be known: set callers.jwt.issuer and callers.jwt.audience, or callers.header behind a proxy that sets it" }}
{{- end }}
{{- end -}}

{{- define "agent-sessions.podSecurity" -}}
securityContext:
  runAsNonRoot: true
  runAsUser: 10001
  runAsGroup: 10001
  fsGroup: 10001
  seccompProfile: {type: RuntimeDefault}
{{- end -}}

{{- define "agent-sessions.containerSecurity" -}}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: {drop: [ALL]}
{{- end -}}

{{- define "agent-sessions.image" -}}
image: {{ printf "%s:%s" .Values.image.repository .Values.image.tag | quote }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
{{- end -}}

{{- define "agent-sessions.volumes" -}}
volumes:
  - {name: tmp, emptyDir: {}}
{{- with .Values.database.caConfigMap }}
{{- if .name }}
  - {name: database-ca, configMap: {name: {{ .name | quote }}}}
{{- end }}
{{- end }}
{{- end -}}

{{- define "agent-sessions.volumeMounts" -}}
volumeMounts:
  - {name: tmp, mountPath: /tmp}
{{- if .Values.database.caConfigMap.name }}
  - {name: database-ca, mountPath: /etc/database, readOnly: true}
{{- end }}
{{- end -}}

{{- /* .component .replicas .port .command .variables of one of the two servers */ -}}
{{- define "agent-sessions.deployment" -}}
{{- $root := .root -}}
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ .name }}
  labels: {{- include "agent-sessions.labels" . | nindent 4 }}
spec:
  {{- if .replicas }}
  replicas: {{ .replicas }}
  {{- end }}
  strategy: {type: RollingUpdate, rollingUpdate: {maxUnavailable: 0, maxSurge: 1}}
  selector:
    matchLabels: {{- include "agent-sessions.selector" . | nindent 6 }}
  template:
    metadata:
      labels:
        {{- include "agent-sessions.labels" . | nindent 8 }}
        {{- with $root.Values.podLabels }}{{ toYaml . | nindent 8 }}{{ end }}
      {{- with $root.Values.podAnnotations }}
      annotations: {{- toYaml . | nindent 8 }}
      {{- end }}
    spec:
      serviceAccountName: {{ include "agent-sessions.serviceAccount" $root }}
      automountServiceAccountToken: false
      enableServiceLinks: false # variables of our own names, made of the names of services, would be read as settings
      terminationGracePeriodSeconds: {{ add $root.Values.preStopSeconds $root.Values.shutdownSeconds 10 }}
      {{- include "agent-sessions.podSecurity" $root | nindent 6 }}
      {{- with $root.Values.imagePullSecrets }}
      imagePullSecrets: {{- toYaml . | nindent 8 }}
      {{- end }}
      containers:
        - name: {{ .component }}
          {{- include "agent-sessions.image" $root | nindent 10 }}
          command: [python, -m, {{ .module }}]
          {{- include "agent-sessions.containerSecurity" $root | nindent 10 }}
          ports:
            - {name: http, containerPort: {{ .port }}}
            {{- if $root.Values.metrics.enabled }}
            - {name: metrics, containerPort: {{ $root.Values.metrics.port }}}
            {{- end }}
          env:
            - {name: HOST, value: "0.0.0.0"}
            - {name: PORT, value: {{ .port | quote }}}
            - {name: METRICS_PORT, value: {{ if $root.Values.metrics.enabled }}{{ $root.Values.metrics.port | quote }}{{ else }}""{{ end }}}
            - {name: SHUTDOWN_SECONDS, value: {{ $root.Values.shutdownSeconds | quote }}}
            - {name: MAX_CONCURRENT_REQUESTS, value: {{ $root.Values.maxConcurrentRequests | quote }}}
            {{- .variables | nindent 12 }}
            {{- range $name, $value := $root.Values.env }}
            - {name: {{ $name }}, value: {{ $value | quote }}}
            {{- end }}
          {{- with $root.Values.envFrom }}
          envFrom: {{- toYaml . | nindent 12 }}
          {{- end }}
          lifecycle: {preStop: {exec: {command: [sleep, {{ $root.Values.preStopSeconds | quote }}]}}}
          startupProbe: {httpGet: {path: /health, port: http}, periodSeconds: 2, failureThreshold: 60}
          livenessProbe: {httpGet: {path: /health, port: http}, periodSeconds: 10, timeoutSeconds: 5, failureThreshold: 6}
          readinessProbe: {httpGet: {path: /health/ready, port: http}, periodSeconds: 5, timeoutSeconds: 5}
          resources: {{- toYaml $root.Values.resources | nindent 12 }}
          {{- include "agent-sessions.volumeMounts" $root | nindent 10 }}
      {{- include "agent-sessions.volumes" $root | nindent 6 }}
      topologySpreadConstraints:
        {{- range $key := list "topology.kubernetes.io/zone" "kubernetes.io/hostname" }}
        - maxSkew: 1
          topologyKey: {{ $key }}
          whenUnsatisfiable: ScheduleAnyway
          labelSelector:
            matchLabels: {{- include "agent-sessions.selector" $ | nindent 14 }}
        {{- end }}
      {{- with $root.Values.nodeSelector }}
      nodeSelector: {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with $root.Values.tolerations }}
      tolerations: {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with $root.Values.affinity }}
      affinity: {{- toYaml . | nindent 8 }}
      {{- end }}
{{- end -}}

{{- /* .component .serviceAccount .module .source .variables of a pod that ends by itself; .source as in databaseUrl */ -}}
{{- define "agent-sessions.jobPod" -}}
{{- $root := .root -}}
metadata:
  labels: {{- include "agent-sessions.labels" . | nindent 4 }}
spec:
  restartPolicy: Never
  serviceAccountName: {{ .serviceAccount }}
  automountServiceAccountToken: false
  enableServiceLinks: false
  {{- include "agent-sessions.podSecurity" $root | nindent 2 }}
  {{- with $root.Values.imagePullSecrets }}
  imagePullSecrets: {{- toYaml . | nindent 4 }}
  {{- end }}
  containers:
    - name: {{ .component }}
      {{- include "agent-sessions.image" $root | nindent 6 }}
      command: [python, -m, {{ .module }}]
      {{- include "agent-sessions.containerSecurity" $root | nindent 6 }}
      env:
        {{- include "agent-sessions.databaseUrl" (dict "source" .source "missing" "database.url or database.existingSecret.name must name the database") | nindent 8 }}
        {{- include "agent-sessions.databaseVariables" $root | nindent 8 }}
        {{- .variables | nindent 8 }}
        {{- range $name, $value := $root.Values.env }}
        - {name: {{ $name }}, value: {{ $value | quote }}}
        {{- end }}
      {{- with $root.Values.envFrom }}
      envFrom: {{- toYaml . | nindent 8 }}
      {{- end }}
      resources: {requests: {cpu: 100m, memory: 128Mi}, limits: {memory: 256Mi}}
      {{- include "agent-sessions.volumeMounts" $root | nindent 6 }}
  {{- include "agent-sessions.volumes" $root | nindent 2 }}
{{- end -}}

"""One service from the inside."""

from __future__ import annotations

from scripts.boards.model import BAD, WARN, Board, Panel, Query, Row, Variable
from scripts.boards.parts import BAD_CODES, NS, consumer_lag, most, outbox_age, quantile, rate

SERVICE = 'service_name="$service"'
POD = 'pod=~".+-$service(-work)?-.+", container=~"serve|work"'
OF_SERVICE = '{resource.service.name="$service" && status=error}'

ONE_SERVICE = Board(
    "service",
    "One service",
    "Which call of this service is slow or fails, and does it lack room? From the overview, or from an alert.",
    [
        Row(
            "Calls",
            [
                Panel(
                    "RPCs a second",
                    "What is asked of it?",
                    [Query(rate("rpc_server_call_duration_seconds_count", SERVICE, "rpc_method"), "{{rpc_method}}")],
                    unit="reqps",
                ),
                Panel(
                    "RPCs that fail by our fault, a second",
                    "Which call fails, and how? Refusals by a rule are not failures and are not here.",
                    [
                        Query(
                            rate(
                                "rpc_server_call_duration_seconds_count",
                                f'rpc_response_status_code=~"{BAD_CODES}", {SERVICE}',
                                "rpc_method, rpc_response_status_code",
                            ),
                            "{{rpc_method}} {{rpc_response_status_code}}",
                        )
                    ],
                    unit="reqps",
                    traces=OF_SERVICE,
                ),
                Panel(
                    "Time of an RPC, 99 %",
                    "Which call is slow? Reads have 2 s, writes 5 s, before their caller gives up.",
                    [
                        Query(
                            quantile(0.99, "rpc_server_call_duration_seconds", SERVICE, "rpc_method"), "{{rpc_method}}"
                        )
                    ],
                    unit="s",
                    steps=[(WARN, 0.5), (BAD, 2)],
                    traces='{resource.service.name="$service" && duration>1s}',
                ),
                Panel(
                    "Pages a second, by route (gateway)",
                    "What do parents look at? Empty for the other services.",
                    [
                        Query(
                            rate("http_server_request_duration_seconds_count", SERVICE, "http_route"), "{{http_route}}"
                        )
                    ],
                    unit="reqps",
                ),
                Panel(
                    "Time of a page, 99 % (gateway)",
                    "Which page is slow? Those that wait for the payment provider may be.",
                    [
                        Query(
                            quantile(0.99, "http_server_request_duration_seconds", SERVICE, "http_route"),
                            "{{http_route}}",
                        )
                    ],
                    unit="s",
                    steps=[(BAD, 1)],
                    traces='{resource.service.name="gateway" && duration>1s}',
                    runbook="PreauPagesFail",
                ),
                Panel(
                    "Being served",
                    "Do calls pile up?",
                    [Query(f"sum (preau_rpc_in_flight{{{SERVICE}, {NS}}})", "RPCs")],
                ),
            ],
        ),
        Row(
            "Messages and jobs",
            [
                Panel(
                    "Messages a second, by outcome",
                    "Are facts taken in? later = tried again; dead = given up.",
                    [
                        Query(
                            rate(
                                "preau_message_duration_seconds_count",
                                SERVICE,
                                "messaging_consumer_group_name, preau_outcome",
                            ),
                            "{{messaging_consumer_group_name}} {{preau_outcome}}",
                        )
                    ],
                    unit="ops",
                    traces=OF_SERVICE,
                    runbook="PreauDeadLetters",
                ),
                consumer_lag(SERVICE),
                outbox_age("$service"),
                Panel(
                    "Jobs: since they last ended well",
                    "Does the leader do its rounds?",
                    [
                        Query(
                            f"min by (preau_job) (preau_job_success_age_seconds{{{SERVICE}, {NS}}})",
                            "{{preau_job}}",
                        )
                    ],
                    unit="s",
                    runbook="PreauJobLate",
                ),
                Panel(
                    "Given and not acknowledged",
                    "Are messages stuck in hands?",
                    [
                        Query(
                            most("preau_consumer_ack_pending", SERVICE, "messaging_consumer_group_name"),
                            "{{messaging_consumer_group_name}}",
                        )
                    ],
                ),
                Panel(
                    "Events waiting in the outbox",
                    "How many facts are not yet told?",
                    [Query(most("preau_outbox_waiting", SERVICE), "waiting")],
                ),
            ],
        ),
        Row(
            "Room",
            [
                Panel(
                    "Connections to the database",
                    "Is the pool used up? Who waits is above the line of what it may have.",
                    [
                        Query(
                            f'sum (db_client_connection_count{{{SERVICE}, db_client_connection_state="used", {NS}}})',
                            "used",
                        ),
                        Query(f"sum (db_client_connection_max{{{SERVICE}, {NS}}})", "at the most"),
                        Query(f"sum (db_client_connection_pending_requests{{{SERVICE}, {NS}}})", "waiting"),
                    ],
                    runbook="PreauPoolExhausted",
                ),
                Panel(
                    "Lag of the event loop, 99 %",
                    "Is a process too busy to turn? Above a quarter of a second everything it does is late.",
                    [Query(quantile(0.99, "preau_event_loop_lag_seconds", SERVICE), "99 %")],
                    unit="s",
                    steps=[(WARN, 0.1), (BAD, 0.25)],
                    runbook="PreauEventLoopSlow",
                ),
                Panel(
                    "CPU",
                    "How many cores does each pod use? One process uses one at the most.",
                    [Query(rate("container_cpu_usage_seconds_total", POD, "pod"), "{{pod}}")],
                    steps=[(WARN, 0.7), (BAD, 0.95)],
                ),
                Panel(
                    "Memory",
                    "Does a pod near its limit (384 MiB unless said otherwise)?",
                    [Query(most("container_memory_working_set_bytes", POD, "pod"), "{{pod}}")],
                    unit="bytes",
                ),
                Panel(
                    "Pods ready",
                    "Are there as many as there should be?",
                    [
                        Query(
                            f'max by (deployment) (kube_deployment_status_replicas_available{{deployment=~".+-$service(-work)?", {NS}}})',
                            "{{deployment}}",
                        ),
                        Query(
                            f'max (kube_horizontalpodautoscaler_spec_max_replicas{{horizontalpodautoscaler=~".+-$service", {NS}}})',
                            "at the most",
                        ),
                    ],
                    runbook="PreauAtMaximum",
                ),
                Panel(
                    "Restarts, an hour",
                    "Does a pod start again and again?",
                    [
                        Query(
                            f"sum by (pod) (increase(kube_pod_container_status_restarts_total{{{POD}, {NS}}}[1h])) > 0",
                            "{{pod}}",
                        )
                    ],
                    runbook="PreauPodsRestart",
                ),
            ],
        ),
    ],
    [Variable("service", "Service", f"label_values(preau_event_loop_lag_seconds_count{{{NS}}}, service_name)")],
)

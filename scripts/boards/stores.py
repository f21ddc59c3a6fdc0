"""NATS and PostgreSQL: what everything stands on."""

from __future__ import annotations

from scripts.boards.model import BAD, GOOD, WARN, Board, Panel, Query, Row
from scripts.boards.parts import NS, most, rate

SERVERS = 'pod=~".+-nats-[0-9]+"'
VOLUMES = 'persistentvolumeclaim=~"data-.+-nats-[0-9]+|.+-db-[0-9]+(-wal)?"'

STORES = Board(
    "stores",
    "NATS and PostgreSQL",
    "Do broker and database stand, keep up and have room? NATS figures need prometheus-nats-exporter; PostgreSQL's are CloudNativePG's.",
    [
        Row(
            "PostgreSQL",
            [
                Panel(
                    "Servers that answer",
                    "Are all servers there? Three in production.",
                    [Query(f"count (cnpg_collector_up{{{NS}}} == 1) or vector(0)")],
                    kind="stat",
                    base=BAD,
                    steps=[(GOOD, 1)],
                    width=4,
                    runbook="PreauPostgresDown",
                ),
                Panel(
                    "Age of the last backup",
                    "Could yesterday be brought back?",
                    [
                        Query(
                            "time() - max (barman_cloud_cloudnative_pg_io_last_available_backup_timestamp"
                            f"{{{NS}}} or cnpg_collector_last_available_backup_timestamp{{{NS}}} > 0)"
                        )
                    ],
                    unit="s",
                    kind="stat",
                    steps=[(WARN, 90000), (BAD, 129600)],
                    width=4,
                    runbook="PreauBackupTooOld",
                ),
                Panel(
                    "Replication lag",
                    "How much would a take-over have to catch up?",
                    [Query(most("cnpg_pg_replication_lag", "", "pod"), "{{pod}}")],
                    unit="s",
                    steps=[(WARN, 5), (BAD, 30)],
                    runbook="PreauReplicationLag",
                ),
                Panel(
                    "Transactions a second, by database",
                    "Which service works?",
                    [
                        Query(
                            rate(
                                "cnpg_pg_stat_database_xact_commit",
                                'datname=~"identity|agenda|billing|payment"',
                                "datname",
                            ),
                            "{{datname}}",
                        )
                    ],
                    unit="ops",
                ),
                Panel(
                    "Connections by state",
                    "Are there idle transactions, or too many connections?",
                    [Query(f"sum by (state) (cnpg_backends_total{{{NS}}})", "{{state}}")],
                    stacked=True,
                ),
                Panel(
                    "Waiting for a lock, and deadlocks",
                    "Do sessions block each other? On an opening day some wait; deadlocks never.",
                    [
                        Query(f"sum (cnpg_backends_waiting_total{{{NS}}})", "waiting"),
                        Query(f"sum (increase(cnpg_pg_stat_database_deadlocks{{{NS}}}[5m]))", "deadlocks, 5 min"),
                    ],
                    steps=[(BAD, 20)],
                ),
                Panel(
                    "Size by database",
                    "How fast does it grow?",
                    [
                        Query(
                            most(
                                "cnpg_pg_database_size_bytes", 'datname=~"identity|agenda|billing|payment"', "datname"
                            ),
                            "{{datname}}",
                        )
                    ],
                    unit="bytes",
                ),
            ],
        ),
        Row(
            "NATS",
            [
                Panel(
                    "Servers ready",
                    "Is there a majority? Two of three are enough.",
                    [Query(f'sum (kube_pod_status_ready{{condition="true", {SERVERS}, {NS}}})')],
                    kind="stat",
                    base=BAD,
                    steps=[(GOOD, 1)],
                    width=4,
                    runbook="PreauBrokerDown",
                ),
                Panel(
                    "Slow consumers",
                    "Did a server drop somebody who read too slowly?",
                    [Query(f"sum (nats_varz_slow_consumers{{{NS}}})")],
                    kind="stat",
                    steps=[(WARN, 1)],
                    width=4,
                ),
                Panel(
                    "Messages in streams",
                    "What is kept? 30 days of facts; DLQ should be empty.",
                    [Query(f"max by (stream_name) (nats_stream_total_messages{{{NS}}})", "{{stream_name}}")],
                    runbook="PreauDeadLetters",
                ),
                Panel(
                    "Size of streams",
                    "Which stream fills the disk?",
                    [Query(f"max by (stream_name) (nats_stream_total_bytes{{{NS}}})", "{{stream_name}}")],
                    unit="bytes",
                ),
                Panel(
                    "Waiting, by consumer (the broker's view)",
                    "Does it agree with what the services say?",
                    [
                        Query(
                            f"max by (consumer_name) (nats_consumer_num_pending{{{NS}}})",
                            "{{consumer_name}}",
                        ),
                        Query(
                            f"max by (consumer_name) (nats_consumer_num_ack_pending{{{NS}}})",
                            "{{consumer_name}} given",
                        ),
                    ],
                    runbook="PreauConsumerLag",
                ),
                Panel(
                    "Since a fetch last came back",
                    "Is a subscription dead? The services' own view, without an exporter.",
                    [
                        Query(
                            most("preau_consumer_fetch_age_seconds", "", "messaging_consumer_group_name"),
                            "{{messaging_consumer_group_name}}",
                        )
                    ],
                    unit="s",
                    steps=[(BAD, 120)],
                    runbook="PreauConsumerDead",
                ),
                Panel(
                    "Connections and memory",
                    "Does every process have its connection?",
                    [
                        Query(f"sum (nats_varz_connections{{{NS}}})", "connections"),
                        Query(f"max (nats_core_mem{{{NS}}}) / 1048576", "memory, MiB"),
                    ],
                ),
            ],
        ),
        Row(
            "Disks",
            [
                Panel(
                    "Free, by volume",
                    "When is a disk full?",
                    [
                        Query(
                            f"min by (persistentvolumeclaim) (kubelet_volume_stats_available_bytes{{{VOLUMES}, {NS}}}"
                            f" / kubelet_volume_stats_capacity_bytes{{{VOLUMES}, {NS}}})",
                            "{{persistentvolumeclaim}}",
                        )
                    ],
                    unit="percentunit",
                    kind="bargauge",
                    base=BAD,
                    steps=[(WARN, 0.07), (GOOD, 0.2)],
                    width=24,
                    maximum=1,
                    runbook="PreauVolumeFills",
                )
            ],
        ),
    ],
    since="now-6h",
)

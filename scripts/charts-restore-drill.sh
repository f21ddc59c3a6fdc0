#!/usr/bin/env bash
# Restores the last backup of a release's database into a namespace of its own, looks at the books, deletes it all.
#   charts-restore-drill.sh RELEASE [NAMESPACE]
# Fails when the restore does, when it holds no town, a town's ledger does not balance, a document number is missing, or the
# newest entry is older than MAX_AGE_MINUTES (60; at night say more).
set -euo pipefail
release=${1:?release}; from=${2:-$release}
drill=$release-drill-$(date +%s)
source=$release-db
began=$(date +%s)
trap 'kubectl delete namespace "$drill" --wait=false' EXIT

kubectl create namespace "$drill"
secret=$(kubectl --namespace "$from" get objectstore "$source" -o jsonpath='{.spec.configuration.s3Credentials.accessKeyId.name}')
cluster=$(kubectl --namespace "$from" get cluster.postgresql.cnpg.io "$source" -o json)
of() { python3 -c "import json,sys; spec=json.load(sys.stdin)['spec']; print($1)" <<<"$cluster"; }
server=$(of "spec['plugins'][0]['parameters']['serverName']")
image=$(of "spec['imageName']")
storage=$(of "json.dumps(spec['storage'])")
# Recovery refuses less of these than the server that wrote the archive had.
known="'max_connections max_locks_per_transaction max_prepared_transactions max_wal_senders max_worker_processes'.split()"
parameters=$(of "json.dumps({name: value for name, value in spec['postgresql'].get('parameters', {}).items() if name in $known})")
for object in "secret/$secret" "objectstore/$source"; do
  kubectl --namespace "$from" get "$object" -o json |
    python3 -c 'import json,sys; o=json.load(sys.stdin); o["metadata"]={"name": o["metadata"]["name"]}; o.pop("status",None); json.dump(o,sys.stdout)' |
    kubectl --namespace "$drill" create -f -
done
kubectl --namespace "$drill" create -f - <<YAML
apiVersion: postgresql.cnpg.io/v1
kind: Cluster
metadata: {name: drill}
spec:
  instances: 1
  imageName: $image
  storage: $storage
  postgresql: {parameters: $parameters}
  bootstrap: {recovery: {source: archive}}
  externalClusters:
    - name: archive
      plugin: {name: barman-cloud.cloudnative-pg.io, parameters: {barmanObjectName: $source, serverName: $server}}
YAML
kubectl --namespace "$drill" wait --for=condition=Ready cluster.postgresql.cnpg.io/drill --timeout="${TIMEOUT:-2h}"

ask() { kubectl --namespace "$drill" exec drill-1 -c postgres -- psql -XqAt -v ON_ERROR_STOP=1 -d "$1" -c "$2"; }
fail() { echo "FAILED: $*" >&2; exit 1; }
for database in identity agenda billing payment; do ask "$database" 'SELECT version_num FROM alembic_version' >/dev/null; done
towns=$(ask identity 'SELECT count(*) FROM tenant')
[ "$towns" -gt 0 ] || fail "no town in what was restored"
unbalanced=$(ask billing 'SELECT count(*) FROM (SELECT 1 FROM ledger_entry GROUP BY tenant_id HAVING sum(debit_minor) <> sum(credit_minor)) t')
[ "$unbalanced" = 0 ] || fail "$unbalanced towns whose ledger does not balance"
gaps=$(ask billing "SELECT count(*) FROM (SELECT 1 FROM (SELECT tenant_id, regexp_replace(number, '[0-9]+\$', '') AS prefix, regexp_replace(number, '^.*-', '')::int AS rank FROM document) d GROUP BY tenant_id, prefix HAVING max(rank) <> count(*)) t")
[ "$gaps" = 0 ] || fail "$gaps series of documents with a gap"
age=$(ask billing "SELECT coalesce(extract(epoch FROM now() - max(created_at))::int / 60, 0) FROM outbox")
[ "$age" -le "${MAX_AGE_MINUTES:-60}" ] || fail "the newest fact is $age minutes old"
echo "restored $source in $(($(date +%s) - began)) s: $towns towns, ledgers balance, numbers have no gap, newest fact $age minutes old"

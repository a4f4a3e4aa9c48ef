# The architecture, as a list. A module may include only what its own line names.
# A line may name only modules above it, so a cycle cannot be written down.
nines_layer(base/core)
nines_layer(base/text             USES base/core)
nines_layer(base/fs               USES base/core)
nines_layer(base/log              USES base/core)
nines_layer(base/net              USES base/core base/text)
nines_layer(base/telemetry        USES base/core)
nines_layer(base/model            USES base/core base/text)
nines_layer(storage/api           USES base/core base/model)
nines_layer(storage/ring          USES base/core base/model base/fs base/log)
nines_layer(storage/chunk         USES base/core base/model)
nines_layer(storage/series        USES base/core base/model base/text storage/api storage/chunk)
nines_layer(storage/metrics       USES base/core base/model base/text base/fs base/log base/telemetry storage/api
                                       storage/ring storage/chunk storage/series)
nines_layer(storage/logs          USES base/core base/model base/text base/fs base/log base/telemetry
                                       storage/api storage/ring)
nines_layer(storage/state         USES base/core base/model base/text base/log storage/api)
nines_layer(storage/offline       USES base/core base/model base/text base/fs base/log base/telemetry storage/api
                                       storage/ring storage/metrics storage/logs storage/state)
nines_layer(storage/engine        USES base/core base/model base/text base/fs base/log base/telemetry storage/api
                                       storage/ring storage/metrics storage/logs storage/state)
nines_layer(collector/exposition  USES base/core base/model base/text)
nines_layer(collector/discovery   USES base/core base/model base/text base/fs base/net base/log
                                       base/telemetry)
nines_layer(collector/scrape      USES base/core base/model base/text base/net base/log base/telemetry
                                       storage/api collector/exposition collector/discovery)
nines_layer(collector/probe       USES base/core base/model base/text base/net base/log storage/api
                                       collector/discovery collector/scrape)
nines_layer(collector/host        USES base/core base/model base/text base/fs base/log storage/api
                                       collector/exposition)
nines_layer(collector/tail        USES base/core base/model base/text base/fs base/log base/telemetry
                                       storage/api)
nines_layer(collector/receive     USES base/core base/model base/text base/net base/log base/telemetry
                                       storage/api collector/exposition collector/discovery)
nines_layer(collector/send        USES base/core base/model base/text base/net base/log base/telemetry
                                       storage/api collector/discovery)
nines_layer(collector/backfill    USES base/core base/model base/text storage/api collector/exposition)
nines_layer(rules/promql          USES base/core base/model base/text storage/api)
nines_layer(rules/logql           USES base/core base/model base/text storage/api rules/promql)
nines_layer(rules/alerts          USES base/core base/model base/text base/log base/telemetry storage/api
                                       rules/promql rules/logql)
nines_layer(rules/maintenance     USES base/core base/model base/text storage/api)
nines_layer(rules/slo             USES base/core base/model base/text base/log base/telemetry storage/api
                                       rules/promql rules/logql rules/alerts rules/maintenance)
nines_layer(rules/notify          USES base/core base/model base/text base/net base/log base/telemetry
                                       storage/api rules/alerts rules/maintenance)
nines_layer(rules/remediation     USES base/core base/model base/text base/net base/log base/telemetry
                                       storage/api rules/promql rules/alerts rules/maintenance)
nines_layer(web/http              USES base/core base/text base/log base/telemetry)
nines_layer(web/ui                USES base/core)
nines_layer(web/api               USES base/core base/model base/text base/log base/telemetry storage/api
                                       collector/discovery collector/scrape collector/probe collector/host collector/tail
                                       collector/receive collector/exposition collector/backfill rules/promql
                                       rules/logql rules/alerts rules/maintenance rules/slo rules/notify
                                       rules/remediation web/http web/ui)
nines_layer(app/config            USES base/core base/model base/text base/fs base/net base/log storage/engine
                                       collector/exposition collector/discovery collector/scrape collector/probe
                                       collector/host collector/tail collector/receive collector/send rules/promql
                                       rules/logql rules/alerts rules/maintenance rules/slo rules/notify
                                       rules/remediation web/http)
nines_layer(app/server            USES base/core base/text base/fs base/net base/log base/telemetry base/model
                                       storage/api storage/engine collector/exposition collector/discovery
                                       collector/scrape collector/probe collector/host collector/tail
                                       collector/receive collector/send rules/promql rules/logql rules/alerts
                                       rules/maintenance rules/slo rules/notify rules/remediation web/http web/ui
                                       web/api app/config)
nines_layer(app/convert           USES base/core base/model base/text rules/promql rules/maintenance rules/slo)
nines_layer(app/cli               USES base/core base/text base/fs base/net base/log base/telemetry base/model storage/api
                                       storage/offline storage/engine collector/exposition collector/backfill
                                       rules/promql rules/alerts rules/slo
                                       app/config app/convert app/server)
nines_layer(tests/support         USES base/core base/text base/fs base/net base/log base/model storage/api)

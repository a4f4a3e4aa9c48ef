"""Forty alert conditions over hosts and pods of the kind that clusters run everywhere, and the metrics they read.

Names of metrics are those of node_exporter and kube-state-metrics.
"""
FS = '{fstype!="",mountpoint!=""}'
BUSY = '1 - avg by (instance) (rate(node_cpu_seconds_total{job="node-exporter", mode="idle"}[5m]))'

RULES = [
    # hosts
    ("filesystem fills within a day", f"node_filesystem_avail_bytes{FS} / node_filesystem_size_bytes{FS} < 0.15 and predict_linear(node_filesystem_avail_bytes{FS}[1h], 86400) < 0 and node_filesystem_readonly{FS} == 0"),
    ("filesystem fills within four hours", f"node_filesystem_avail_bytes{FS} / node_filesystem_size_bytes{FS} < 0.1 and predict_linear(node_filesystem_avail_bytes{FS}[1h], 14400) < 0"),
    ("filesystem below 5 %", f"node_filesystem_avail_bytes{FS} / node_filesystem_size_bytes{FS} * 100 < 5 and node_filesystem_readonly{FS} == 0"),
    ("filesystem below 3 %", f"node_filesystem_avail_bytes{FS} / node_filesystem_size_bytes{FS} * 100 < 3"),
    ("inodes below 5 %", f"node_filesystem_files_free{FS} / node_filesystem_files{FS} * 100 < 5"),
    ("receive errors", "rate(node_network_receive_errs_total[2m]) / rate(node_network_receive_packets_total[2m]) > 0.9"),
    ("transmit errors", "rate(node_network_transmit_errs_total[2m]) / rate(node_network_transmit_packets_total[2m]) > 0.9"),
    ("connection table nearly full", "node_nf_conntrack_entries / node_nf_conntrack_entries_limit > 0.99"),
    ("text files unread", "node_textfile_scrape_error == 1"),
    ("clock skew", "(node_timex_offset_seconds > 0.05 and deriv(node_timex_offset_seconds[5m]) >= 0) or (node_timex_offset_seconds < -0.05 and deriv(node_timex_offset_seconds[5m]) <= 0)"),
    ("clock unsynchronised", "min_over_time(node_timex_sync_status[5m]) == 0 and node_timex_maxerror_seconds >= 16"),
    ("file descriptors", "node_filefd_allocated * 100 / node_filefd_maximum > 90"),
    ("processor busy", f"({BUSY}) * 100 > 99"),
    ("load per processor", 'node_load1 / count without (cpu, mode) (node_cpu_seconds_total{job="node-exporter", mode="idle"}) > 20'),
    ("memory nearly full", "100 - node_memory_MemAvailable_bytes / node_memory_MemTotal_bytes * 100 > 99"),
    ("major page faults", "rate(node_vmstat_pgmajfault[5m]) > 500000"),
    ("disk queue", 'rate(node_disk_io_time_weighted_seconds_total{device=~"nvme.+|sd.+|vd.+"}[5m]) > 500'),
    ("unit failed", 'node_systemd_unit_state{state="failed"} == 1'),
    ("interface flaps", 'changes(node_network_up{device!~"veth.+|tun.+"}[2m]) > 2'),
    ("host is away", 'up{job="node"} == 0'),
    ("recorded: processor share", "avg by (instance) (1 - rate(node_cpu_seconds_total{job='node-exporter', mode='idle'}[5m]))"),
    ("recorded: memory share", "1 - node_memory_MemAvailable_bytes / node_memory_MemTotal_bytes"),
    ("recorded: bytes received", "sum by (instance) (rate(node_network_receive_bytes_total{device!='lo'}[5m]))"),
    # pods and what runs them
    ("pod restarts again and again", 'max_over_time(kube_pod_container_status_waiting_reason{reason="CrashLoopBackOff"}[5m]) >= 1'),
    ("pod not ready", 'sum by (namespace, pod) (max by (namespace, pod) (kube_pod_status_phase{phase=~"Pending|Unknown"}) * on (namespace, pod) group_left (owner_kind) topk by (namespace, pod) (1, max by (namespace, pod, owner_kind) (kube_pod_owner{owner_kind!="Job"}))) > 0'),
    ("container waits", "kube_pod_container_status_waiting_reason > 0 and on (namespace, pod) kube_pod_status_phase{phase='Pending'} == 1"),
    ("generation differs", "kube_deployment_status_observed_generation != kube_deployment_metadata_generation"),
    ("replicas differ", "(kube_deployment_spec_replicas > kube_deployment_status_replicas_available) and changes(kube_deployment_status_replicas_updated[10m]) == 0"),
    ("stateful replicas differ", "kube_statefulset_status_replicas_ready != kube_statefulset_status_replicas"),
    ("daemon set stuck", "kube_daemonset_status_current_number_scheduled != kube_daemonset_status_desired_number_scheduled"),
    ("job failed", "kube_job_failed > 0"),
    ("autoscaler at its most", "kube_horizontalpodautoscaler_status_current_replicas == kube_horizontalpodautoscaler_spec_max_replicas"),
    ("memory overcommitted", 'sum(kube_pod_container_resource_requests{resource="memory"}) - (sum(kube_node_status_allocatable{resource="memory"}) - max(kube_node_status_allocatable{resource="memory"})) > 0'),
    ("processors overcommitted", 'sum by (namespace) (kube_pod_container_resource_requests{resource="cpu"}) > 1000'),
    ("quota nearly used", 'kube_resourcequota{type="used"} / ignoring (type) (kube_resourcequota{type="hard"} > 0) > 0.9'),
    ("containers throttled", "sum by (namespace, pod) (increase(container_cpu_cfs_throttled_periods_total[5m])) / sum by (namespace, pod) (increase(container_cpu_cfs_periods_total[5m])) > 0.9"),
    ("killed for memory", 'increase(kube_pod_container_status_restarts_total[10m]) > 100'),
    ("volume nearly full", "kubelet_volume_stats_available_bytes / kubelet_volume_stats_capacity_bytes < 0.03 and kubelet_volume_stats_used_bytes > 0"),
    ("node not ready", 'kube_node_status_condition{condition="Ready", status="true"} == 0'),
    ("recorded: processor by namespace", "sum by (namespace) (rate(container_cpu_usage_seconds_total[5m]))"),
    ("recorded: memory by namespace", "sum by (namespace) (container_memory_working_set_bytes * on (namespace, pod) group_left () max by (namespace, pod) (kube_pod_status_phase{phase='Running'} == 1))"),
]


def host_metrics():
    """(name, labels, kind, base) of one host."""
    for place in ("/", "/var", "/home"):
        at = {"mountpoint": place, "fstype": "ext4", "device": "/dev/vda" + str(len(place))}
        yield "node_filesystem_size_bytes", at, "constant", 1e11
        yield "node_filesystem_avail_bytes", at, "gauge", 6e10
        yield "node_filesystem_readonly", at, "constant", 0
        yield "node_filesystem_files", at, "constant", 6e6
        yield "node_filesystem_files_free", at, "gauge", 5e6
    for device in ("lo", "eth0", "eth1"):
        for way in ("receive", "transmit"):
            for what, base in (("errs", 1), ("packets", 500), ("bytes", 90000)):
                yield f"node_network_{way}_{what}_total", {"device": device}, "counter", base
        yield "node_network_up", {"device": device}, "constant", 1
    for cpu in range(4):
        for mode in ("idle", "user", "system", "iowait"):
            yield "node_cpu_seconds_total", {"cpu": str(cpu), "mode": mode}, "counter", 8
    for device in ("vda", "sdb"):
        yield "node_disk_io_time_weighted_seconds_total", {"device": device}, "counter", 3
    for unit in range(20):
        for state in ("active", "failed"):
            yield "node_systemd_unit_state", {"name": f"unit{unit}.service", "state": state}, "constant", state == "active"
    for name, kind, base in (("node_nf_conntrack_entries", "gauge", 900), ("node_nf_conntrack_entries_limit", "constant", 65536),
                             ("node_textfile_scrape_error", "constant", 0), ("node_timex_offset_seconds", "gauge", 0.001),
                             ("node_timex_sync_status", "constant", 1), ("node_timex_maxerror_seconds", "gauge", 0.2),
                             ("node_filefd_allocated", "gauge", 3000), ("node_filefd_maximum", "constant", 9e18),
                             ("node_load1", "gauge", 1.5), ("node_memory_MemAvailable_bytes", "gauge", 9e9),
                             ("node_memory_MemTotal_bytes", "constant", 1.6e10), ("node_vmstat_pgmajfault", "counter", 9)):
        yield name, {}, kind, base


def pod_metrics(i):
    """(name, labels, kind, base) of one pod, and now and then of what runs it."""
    pod = {"pod": f"app{i // 5}-{i % 5}"}
    box = {**pod, "container": "main"}
    for phase in ("Pending", "Running", "Unknown"):
        yield "kube_pod_status_phase", {**pod, "phase": phase}, "constant", phase == "Running"
    yield "kube_pod_owner", {**pod, "owner_kind": "ReplicaSet", "owner_name": f"app{i // 5}"}, "constant", 1
    for reason in ("CrashLoopBackOff", "ImagePullBackOff"):
        yield "kube_pod_container_status_waiting_reason", {**box, "reason": reason}, "constant", 0
    for resource, base in (("memory", 2e8), ("cpu", 0.25)):
        yield "kube_pod_container_resource_requests", {**box, "resource": resource}, "constant", base
    yield "kube_pod_container_status_restarts_total", box, "constant", 2
    yield "container_cpu_cfs_periods_total", box, "counter", 20
    yield "container_cpu_cfs_throttled_periods_total", box, "counter", 2
    yield "container_cpu_usage_seconds_total", box, "counter", 4
    yield "container_memory_working_set_bytes", box, "gauge", 1.5e8
    if i % 5 == 0:
        one = {"deployment": f"app{i // 5}"}
        for name in ("status_observed_generation", "metadata_generation", "spec_replicas", "status_replicas_available", "status_replicas_updated"):
            yield f"kube_deployment_{name}", one, "constant", 3
        claim = {"persistentvolumeclaim": f"data{i}"}
        yield "kubelet_volume_stats_available_bytes", claim, "gauge", 5e9
        yield "kubelet_volume_stats_capacity_bytes", claim, "constant", 1e10
        yield "kubelet_volume_stats_used_bytes", claim, "gauge", 5e9
    if i % 10 == 0:
        for name in ("statefulset_status_replicas_ready", "statefulset_status_replicas"):
            yield f"kube_{name}", {"statefulset": f"db{i}"}, "constant", 3
        for name in ("current_number_scheduled", "desired_number_scheduled"):
            yield f"kube_daemonset_status_{name}", {"daemonset": f"agent{i}"}, "constant", 100
        yield "kube_job_failed", {"job_name": f"job{i}"}, "constant", 0
        yield "kube_horizontalpodautoscaler_status_current_replicas", {"horizontalpodautoscaler": f"h{i}"}, "constant", 3
        yield "kube_horizontalpodautoscaler_spec_max_replicas", {"horizontalpodautoscaler": f"h{i}"}, "constant", 9
        for kind in ("used", "hard"):
            yield "kube_resourcequota", {"resourcequota": f"q{i}", "resource": "pods", "type": kind}, "constant", 50 if kind == "used" else 99
        yield "kube_node_status_allocatable", {"node": f"n{i // 10:03}", "resource": "memory"}, "constant", 3e10
        yield "kube_node_status_condition", {"node": f"n{i // 10:03}", "condition": "Ready", "status": "true"}, "constant", 1

"""Probes: the same series and answers as Debian's blackbox_exporter, and peers that misbehave."""
import http.server
import json
import os
import shutil
import signal
import socket
import ssl
import struct
import subprocess
import threading
import urllib.error
import urllib.parse
import urllib.request

from dns_server import DnsServer
from harness import Nines, Process, Skipped, free_port, get, say, wait_for

MODULES = """modules:
  http_2xx: {prober: http}
  web: {prober: http, http: {preferred_ip_protocol: ip4}}
  post: {prober: http, http: {method: POST, body: hello, preferred_ip_protocol: ip4}}
  stay: {prober: http, http: {no_follow_redirects: true, valid_status_codes: [302]}}
  body: {prober: http, http: {fail_if_body_matches_regexp: ["fine"]}}
  header: {prober: http, http: {fail_if_header_not_matches: [{header: X-Kind, regexp: "^other$"}]}}
  version: {prober: http, http: {valid_http_versions: ["HTTP/2.0"]}}
  not_ssl: {prober: http, http: {fail_if_not_ssl: true}}
  basic: {prober: http, http: {basic_auth: {username: u, password: p}}}
  tls_web: {prober: http, http: {tls_config: {ca_file: CA, server_name: localhost}}}
  tls_any: {prober: http, http: {tls_config: {insecure_skip_verify: true}}}
  tcp: {prober: tcp}
  banner: {prober: tcp, tcp: {query_response: [{expect: "^220 ([^ ]+) ", send: "EHLO ${1}"}, {expect: "^250 "}]}}
  no_banner: {prober: tcp, tcp: {query_response: [{expect: "^never$"}]}}
  tls_tcp: {prober: tcp, tcp: {tls: true, tls_config: {ca_file: CA, server_name: localhost}}}
  starttls: {prober: tcp, tcp: {query_response: [{expect: "^220 "}, {send: STARTTLS}, {expect: "^220 go"}, {starttls: true}, {send: NOOP}, {expect: "^250 safe"}], tls_config: {ca_file: CA, server_name: localhost}}}
  dns: {prober: dns, dns: {query_name: web.nines.test, query_type: A, preferred_ip_protocol: ip4}}
  dns_want: {prober: dns, dns: {query_name: web.nines.test, query_type: A, validate_answer_rrs: {fail_if_not_matches_regexp: [".*127.0.0.9"]}}}
  dns_gone: {prober: dns, dns: {query_name: no.nines.test, query_type: A, valid_rcodes: [NXDOMAIN]}}
  icmp: {prober: icmp}
  grpc: {prober: grpc, timeout: 3s, grpc: {service: ""}}
  grpc_sick: {prober: grpc, timeout: 3s, grpc: {service: sick}}
  grpc_unknown: {prober: grpc, timeout: 3s, grpc: {service: nobody}}
"""


class Web(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self, status, body, **headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        if self.path == "/away":
            return self.answer(302, b"", Location="/there")
        if self.path == "/round":
            return self.answer(302, b"", Location="/round")
        if self.path == "/secret" and self.headers.get("Authorization") != "Basic dTpw":
            return self.answer(401, b"who are you")
        if self.path == "/login":
            return self.answer(200, b'{"token": "t-1"}', Set_Cookie="sid=9; Path=/")
        if self.path == "/cart":
            known = self.headers.get("Authorization") == "Bearer t-1" and self.headers.get("Cookie") == "sid=9"
            return self.answer(200 if known else 403, b"total=42")
        self.answer(200, b"all is fine", X_Kind="web", Last_Modified="Sun, 06 Nov 1994 08:49:37 GMT")

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.answer(200 if body == b"hello" else 400, b"thanks")

    def log_message(self, *_):
        pass


def serve_web(context=None):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Web)
    server.daemon_threads = True
    if context:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


class Lines:
    """A TCP server: `talk(connection)` for each peer."""

    def __init__(self, talk):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.target = f"127.0.0.1:{self.listener.getsockname()[1]}"
        threading.Thread(target=self.accept, args=(talk,), daemon=True).start()

    def accept(self, talk):
        while True:
            try:
                peer, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(talk, peer), daemon=True).start()

    @staticmethod
    def serve(talk, peer):
        try:
            with peer:
                talk(peer)
        except OSError:
            pass

    def stop(self):
        self.listener.close()


def mail(peer):
    peer.sendall(b"220 mail.test ready\r\n")
    line = peer.recv(1000)
    peer.sendall(b"250 hello\r\n" if line == b"EHLO mail.test\n" else b"500 what\r\n")
    peer.recv(1000)


def secure_mail(context):
    def talk(peer):
        peer.sendall(b"220 mail.test ready\r\n")
        peer.recv(1000)
        peer.sendall(b"220 go ahead\r\n")
        with context.wrap_socket(peer, server_side=True) as safe:
            safe.recv(1000)
            safe.sendall(b"250 safe\r\n")
            safe.recv(1000)
    return talk


def certificate(folder):
    key, cert = os.path.join(folder, "key.pem"), os.path.join(folder, "cert.pem")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", cert, "-days", "30",
                    "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    return cert, context


def series(text):
    return dict(line.rsplit(" ", 1) for line in text.splitlines() if line and not line.startswith("#"))


def ask(base, headers=None, **params):
    request = urllib.request.Request(base + "/probe?" + urllib.parse.urlencode(params), headers=headers or {})
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, answer.read().decode(), answer.headers.get("Content-Type")
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode(), error.headers.get("Content-Type")


def grpc_server(folder):
    """The port of a health service, and its process; None when python3-grpcio is not there."""
    python = "/usr/bin/python3"
    if subprocess.run([python, "-I", "-c", "import grpc"], capture_output=True).returncode != 0:
        return None, None
    child = subprocess.Popen([python, "-I", os.path.join(os.path.dirname(__file__), "grpc_health.py")], stdout=subprocess.PIPE, text=True)
    return int(child.stdout.readline()), child


def same_as_blackbox_exporter(args, folder):
    """Each prober beside Debian's blackbox_exporter: the same series, the same values, the same errors."""
    binary = shutil.which("prometheus-blackbox-exporter")
    if not binary:
        raise Skipped("prometheus-blackbox-exporter is not installed")
    cert, context = certificate(folder)
    with open(os.path.join(folder, "blackbox.yml"), "w") as f:
        f.write(MODULES.replace("CA", cert))
    port = free_port()
    blackbox = Process("blackbox", [binary, f"--config.file={folder}/blackbox.yml", f"--web.listen-address=127.0.0.1:{port}"], folder)
    config = os.path.join(folder, "nines.toml")
    with open(config, "w") as f:
        f.write('[storage]\nbudget = "64MiB"\n[probes]\nmodule_files = ["blackbox.yml"]\n')
    nines = Nines(args.nines, folder, config)
    plain, safe = serve_web(), serve_web(context)
    web, tls = f"127.0.0.1:{plain.server_address[1]}", f"https://127.0.0.1:{safe.server_address[1]}"
    smtp, smtps = Lines(mail), Lines(secure_mail(context))
    dns = DnsServer({("web.nines.test", "A"): ["127.0.0.9"], ("no.nines.test", "A"): 3})
    name_server = f"127.0.0.1:{dns.port}"
    closed = f"127.0.0.1:{free_port()}"
    health, grpc_child = grpc_server(folder)
    cases = [("web", web, 1), ("web", f"http://{web}/away", 1), ("web", f"http://{web}/round", 0), ("web", closed, 0), ("post", web, 1),
             ("stay", f"http://{web}/away", 1), ("body", web, 0), ("header", web, 0), ("version", web, 0), ("not_ssl", web, 0),
             ("basic", f"http://{web}/secret", 1), ("web", f"http://{web}/secret", 0), ("tls_web", tls, 1), ("tls_any", tls, 1), ("web", tls, 0),
             ("tcp", web, 1), ("tcp", closed, 0), ("tcp", "127.0.0.1", 0), ("banner", smtp.target, 1), ("no_banner", smtp.target, 0),
             ("tls_tcp", tls[8:], 1), ("starttls", smtps.target, 1), ("dns", name_server, 1), ("dns_want", name_server, 1),
             ("dns_gone", name_server, 1), ("dns", closed, 0), ("icmp", "127.0.0.1", 1), ("grpc", closed, 0)]
    if health:
        cases += [("grpc", f"127.0.0.1:{health}", 1), ("grpc_sick", f"127.0.0.1:{health}", 0), ("grpc_unknown", f"127.0.0.1:{health}", 0)]
    try:
        theirs_url = f"http://127.0.0.1:{port}"
        wait_for("blackbox_exporter answers", lambda: get(theirs_url + "/-/healthy"))
        hurry = {"X-Prometheus-Scrape-Timeout-Seconds": "2.5"}
        compared, wrong = 0, []
        for module, target, want in cases:
            ours, theirs = (series(ask(base, hurry, module=module, target=target)[1]) for base in (nines.url, theirs_url))
            if ours.get("probe_success") != str(want) or theirs.get("probe_success") != str(want):
                wrong.append(f"{module} {target}: success {ours.get('probe_success')}, theirs {theirs.get('probe_success')}, wanted {want}: "
                             + ask(nines.url, hurry, module=module, target=target, debug="true")[1])
            for key in sorted(set(ours) | set(theirs)):
                if "_seconds" in key and "timestamp" not in key:
                    if (key in ours) != (key in theirs):
                        wrong.append(f"{module} {target}: {key}: ours {ours.get(key)}, theirs {theirs.get(key)}")
                    continue
                mine, yours = ours.get(key), theirs.get(key)
                if mine is None or yours is None or float(mine) != float(yours):
                    wrong.append(f"{module} {target}: {key}: ours {mine}, theirs {yours}")
                compared += 1
        for headers, params in (({}, {}), ({}, {"module": "no", "target": "x"}), ({"X-Prometheus-Scrape-Timeout-Seconds": "abc"}, {"target": "x"})):
            if ask(nines.url, headers, **params) != ask(theirs_url, headers, **params):
                wrong.append(f"{params}: {ask(nines.url, headers, **params)} against {ask(theirs_url, headers, **params)}")
        debug = ask(nines.url, {}, module="basic", target=f"http://{web}/secret", debug="true")[1]
        for part in ("Logs for the probe:", "Metrics that would have been returned:", "Module configuration:", "password: <secret>"):
            assert part in debug, debug
        assert not wrong, "\n".join(wrong)
        say(f"ok: {len(cases)} probes, {compared} values equal" + ("" if health else "; no gRPC server to ask"))
    finally:
        nines.kill(signal.SIGTERM)
        blackbox.kill(signal.SIGTERM)
        dns.stop()
        for server in (plain, safe):
            server.shutdown()
        smtp.stop()
        smtps.stop()
        if grpc_child:
            grpc_child.terminate()
            grpc_child.wait(10)


def prometheus_probes_through_nines(args, folder):
    """Debian's Prometheus with a blackbox scrape configuration pointed at nines; jobs of nines's own; a scenario."""
    binary = shutil.which("prometheus")
    if not binary:
        raise Skipped("prometheus is not installed")
    plain = serve_web()
    web = f"http://127.0.0.1:{plain.server_address[1]}"
    reset = Lines(lambda peer: peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)))
    config = os.path.join(folder, "nines.toml")
    with open(config, "w") as f:
        f.write(f"""
[global]
scrape_interval = "500ms"
scrape_timeout = "400ms"
[storage]
budget = "64MiB"
[probes.modules.buy]
prober = "scenario"
[probes.modules.buy.scenario]
steps = [
  {{ name = "login", url = "${{target}}/login", capture = [{{ variable = "token", json_pointer = "/token" }}] }},
  {{ name = "cart", url = "${{target}}/cart", headers = {{ Authorization = "Bearer ${{token}}" }}, fail_if_body_not_matches_regexp = ["total=[0-9]+"] }},
]
[[probe_configs]]
job_name = "buy"
module = "buy"
static_configs = [{{ targets = ["{web}"] }}]
[[probe_configs]]
job_name = "port"
module = "tcp_connect"
static_configs = [{{ targets = ["{web[7:]}"] }}]
[[probe_configs]]
job_name = "ping"
module = "icmp"
static_configs = [{{ targets = ["127.0.0.1"] }}]
[[probe_configs]]
job_name = "reset"
static_configs = [{{ targets = ["http://{reset.target}"] }}]
http = {{ valid_status_codes = [200] }}
""")
    nines = Nines(args.nines, folder, config)
    port = free_port()
    with open(os.path.join(folder, "prometheus.yml"), "w") as f:
        f.write(f"""
scrape_configs:
- job_name: blackbox
  scrape_interval: 1s
  scrape_timeout: 900ms
  metrics_path: /probe
  params: {{module: [http_2xx]}}
  static_configs: [{{targets: ['{web}', 'http://{reset.target}']}}]
  relabel_configs:
  - {{source_labels: [__address__], target_label: __param_target}}
  - {{source_labels: [__param_target], target_label: instance}}
  - {{target_label: __address__, replacement: '{nines.url[7:]}'}}
""")
    prometheus = Process("prometheus", [binary, f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/prom",
                                        f"--web.listen-address=127.0.0.1:{port}", "--log.level=warn"], folder)
    try:
        for job in ("buy", "port", "ping"):
            wait_for(f"{job} succeeds", lambda: nines.value(f'probe_success{{job="{job}"}}') == 1, 20)
        assert nines.value('probe_scenario_step_success{job="buy", step="cart"}') == 1
        assert nines.value('probe_scenario_assertion{job="buy", step="cart", assertion="body"}') == 1
        wait_for("reset is probed", lambda: nines.query('probe_success{job="reset"} == 0'), 20)
        target = next(t for t in nines.json("/api/nines/v1/targets")["targets"] if t["pool"] == "reset")
        assert "reset" in target["last_error"].lower() or "closed" in target["last_error"].lower(), target["last_error"]

        def theirs(instance):
            found = json.loads(get(f"http://127.0.0.1:{port}/api/v1/query?" + urllib.parse.urlencode(
                {"query": f'probe_success{{job="blackbox", instance="{instance}"}}'})))["data"]["result"]
            return found and found[0]["value"][1]
        wait_for("Prometheus has the probe", lambda: theirs(web) == "1", 40)
        wait_for("Prometheus has the failed probe", lambda: theirs("http://" + reset.target) == "0", 40)
        say(f"ok: Prometheus probes through nines; a peer that resets: {target['last_error']}")
    finally:
        prometheus.kill(signal.SIGTERM)
        nines.kill(signal.SIGTERM)
        plain.shutdown()
        reset.stop()

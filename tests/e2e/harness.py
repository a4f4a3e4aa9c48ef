"""Real programs on loopback for the end-to-end tests: started, watched, stopped by process id."""
import http.server
import itertools
import json
import os
import shutil
import signal
import socket
import subprocess
import threading
import time
import urllib.error
import urllib.parse
import urllib.request


def say(text):
    print(text, flush=True)


class Skipped(Exception):
    """What a test needs is not on this machine; the text says what."""


SLOT = "NINES_E2E_SLOT"  # which of the tests that run at once this process is
ports = itertools.count(12000 + 2500 * int(os.environ.get(SLOT, "0")) + os.getpid() % 2000)


def free_port():
    """A port nobody listens on, below those the kernel gives to clients, and not one of another slot's."""
    for port in ports:
        with socket.socket() as s, socket.socket(type=socket.SOCK_DGRAM) as datagrams:
            try:
                s.bind(("127.0.0.1", port))
                datagrams.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue


def wait_for(what, check, seconds=60, every=0.2):
    """Returns check()'s first truthy answer; fails with `what` after `seconds`."""
    end = time.monotonic() + seconds
    last = None
    while time.monotonic() < end:
        try:
            last = check()
            if last:
                return last
        except (OSError, ValueError, KeyError, IndexError) as error:
            last = error
        time.sleep(every)
    raise AssertionError(f"{what}: not within {seconds} s (last: {last!r})")


class Listener:
    """A real HTTP listener that keeps every POST: {"path", "headers", "body", "at"}."""

    def __init__(self, on_post=None, port=0):
        self.posts = []
        self.status = 200
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                post = {"path": self.path, "headers": dict(self.headers), "body": json.loads(body), "at": time.time()}
                outer.posts.append(post)
                if on_post:
                    on_post(post)
                self.send_response(outer.status)
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"ok")

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


class TextServer:
    """A small HTTP server: each GET is answered with the text that `answer(request)` gives. A client that goes is no matter."""

    def __init__(self, answer, kind="text/plain; version=0.0.4"):
        self.status, self.connections = 200, set()

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def setup(handler):
                super().setup()
                self.connections.add(handler.connection)

            def finish(handler):
                self.connections.discard(handler.connection)
                super().finish()

            def do_GET(handler):
                body = answer(handler).encode()
                handler.send_response(self.status)
                handler.send_header("Content-Type", kind)
                handler.send_header("Content-Length", str(len(body)))
                handler.end_headers()
                handler.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.server.handle_error = lambda *_: None
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()
        for connection in list(self.connections):  # kept ones would go on being answered
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass


class Process:
    def __init__(self, name, argv, folder, env=None):
        self.name, self.argv, self.folder, self.env = name, argv, folder, env
        self.child = None
        self.start()

    def start(self):
        self.log = open(os.path.join(self.folder, self.name + ".log"), "ab")
        self.child = subprocess.Popen(self.argv, stdout=self.log, stderr=subprocess.STDOUT, env=self.env)

    def kill(self, sig=signal.SIGKILL):
        if self.child and self.child.poll() is None:
            self.child.send_signal(sig)
            self.child.wait(timeout=20)
        self.log.close()

    def output(self):
        with open(os.path.join(self.folder, self.name + ".log"), errors="replace") as f:
            return f.read()


class Nginx:
    """Debian's nginx in a folder of its own, stopped and started by its process id."""

    def __init__(self, folder, port):
        self.folder, self.port = os.path.join(folder, "nginx"), port
        self.access_log = os.path.join(self.folder, "access.log")
        os.makedirs(self.folder)
        self.config = os.path.join(self.folder, "nginx.conf")
        with open(self.config, "w") as f:
            f.write(f"""
worker_processes 1; daemon off; pid {self.folder}/nginx.pid; error_log {self.folder}/error.log;
events {{ worker_connections 64; }}
http {{
  access_log {self.access_log} combined;
  client_body_temp_path {self.folder}/body; proxy_temp_path {self.folder}/proxy; fastcgi_temp_path {self.folder}/fcgi;
  uwsgi_temp_path {self.folder}/uwsgi; scgi_temp_path {self.folder}/scgi;
  server {{ listen 127.0.0.1:{port}; location / {{ return 200 "ok\\n"; }} location /broken {{ return 500 "no\\n"; }} }}
}}""")
        self.process = Process("nginx-out", [shutil.which("nginx") or "/usr/sbin/nginx", "-c", self.config, "-p", self.folder], self.folder)

    def kill(self):
        self.process.kill(signal.SIGTERM)

    def start(self):
        self.process.start()


def rss_mib(pid):
    with open(f"/proc/{pid}/status") as f:
        return next(int(line.split()[1]) for line in f if line.startswith("VmRSS:")) / 1024


def get(url, timeout=10):
    with urllib.request.urlopen(url, timeout=timeout) as answer:
        return answer.read().decode()


def quick_config(folder, port, rest="", top="", more_global="", job="t", labels="", own_metrics=True):
    """Writes nines.toml for a test and returns its path: a small store, everything once a second, one target on `port`, nothing built in; then `rest`."""
    path = os.path.join(folder, "nines.toml")
    with open(path, "w") as f:
        f.write(f"""{top}
[global]
scrape_interval = "1s"
scrape_timeout = "900ms"
evaluation_interval = "1s"
{more_global}
[storage]
budget = "64MiB"
[host]
enabled = false
[builtin]
rules = false
slo = false
self = {str(own_metrics).lower()}
[[scrape_configs]]
job_name = "{job}"
static_configs = [{{ targets = ["127.0.0.1:{port}"], labels = {{ {labels} }} }}]
{rest}""")
    return path


def quick_pager(port, routes=""):
    """Configuration: every alert goes to a webhook on `port` at once; `routes` may say otherwise."""
    return f"""[route]
receiver = "pager"
group_by = ["alertname"]
group_wait = "0s"
group_interval = "1s"
{routes}
[[receivers]]
name = "pager"
webhook_configs = [{{ url = "http://127.0.0.1:{port}/" }}]
"""


class Nines:
    def __init__(self, binary, folder, config=None, env=None):
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.argv = [binary, "serve", "--data", os.path.join(folder, "data"), "--listen", f"127.0.0.1:{self.port}"]
        if config:
            self.argv += ["--config", config]
        self.process = Process("nines", self.argv, folder, env)
        self.wait_ready()

    def wait_ready(self):
        wait_for("nines answers", lambda: "ready" in get(self.url + "/-/ready", 1), 30, 0.05)

    def json(self, path, **params):
        return json.loads(get(self.url + path + ("?" + urllib.parse.urlencode(params) if params else "")))

    def post(self, path, body):
        request = urllib.request.Request(self.url + path, data=json.dumps(body).encode(), method="POST", headers={"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.loads(answer.read())

    def query(self, expr):
        return self.json("/api/v1/query", query=expr)["data"]["result"]

    def value(self, expr):
        return float(self.query(expr)[0]["value"][1])

    def alerts(self):
        return self.json("/api/v1/alerts")["data"]["alerts"]

    def kill(self, sig=signal.SIGKILL):
        self.process.kill(sig)

    def start(self):
        self.process.start()
        self.wait_ready()

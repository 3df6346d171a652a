# SPDX-License-Identifier: Apache-2.0
"""An Apache httpd below a folder of its own: configured from snippets, started, watched, ended for sure."""

import http.client
import os
import re
import signal
import subprocess
import urllib.parse

from . import places
from .proc import Proc, Timeout, children_of, free_port, memory_of, wait_until
from .store import Store

MODULES = ("authz_core", "authz_host", "authn_core", "dir", "mime", "alias", "headers", "status", "socache_shmcb",
           "ssl")
MPM = {
    "event": "StartServers 2\nServerLimit 4\nThreadsPerChild 25\nMaxRequestWorkers 100\n"
             "MinSpareThreads 25\nMaxSpareThreads 100\n",
    "worker": "StartServers 2\nServerLimit 4\nThreadsPerChild 25\nMaxRequestWorkers 100\n"
              "MinSpareThreads 25\nMaxSpareThreads 100\n",
    "prefork": "StartServers 4\nServerLimit 20\nMaxRequestWorkers 20\nMinSpareServers 2\nMaxSpareServers 20\n",
}
BASE = """\
ServerRoot "{root}"
ServerName localhost
DefaultRuntimeDir run
PidFile run/httpd.pid
Mutex file:{root}/run default
ErrorLog logs/error.log
LogLevel notice {md_level}
LogFormat "%{{%s}}t %P %v %>s %r" served
CustomLog logs/access.log served
Timeout 20
KeepAlive on
KeepAliveTimeout 15
MaxKeepAliveRequests 0
TypesConfig /dev/null
DocumentRoot htdocs
<Directory "{root}/htdocs">
    Require all granted
</Directory>
SSLSessionCache shmcb:run/ssl_scache(512000)
Listen 127.0.0.1:{http_port}
Listen 127.0.0.1:{https_port} https
"""
RESUMING = "resuming normal operations"


class Httpd:
    """One server. `configure` writes its configuration; ports, folder and store stay the same over restarts."""

    def __init__(self, ca=None, mpm="event", module=None, folder=None, http_port=None, https_port=None,
                 md_level="info", managed=True, preflight="off"):
        self.root = folder or places.new_folder()
        self.ca, self.mpm, self.md_level, self.managed = ca, mpm, md_level, managed
        self.preflight = preflight
        self.env = {}                                   # added to the environment
        self.begun = 0                                  # where the error log stood at the last start
        self.module = module or places.module_under_test()
        self.http_port = http_port or (ca.http_port if ca else free_port())
        self.https_port = https_port or (ca.tls_port if ca else free_port())
        self.proc = None
        self.crashes, self.looked = [], 0   # lines of the error log; where the next look at it begins
        self.store = Store(self.root / "md")
        for name in ("conf", "logs", "run", "htdocs"):
            (self.root / name).mkdir(exist_ok=True)
        (self.root / "htdocs/index.html").write_text("hello from httpd\n")

    # -- configuration

    def base_config(self, mpm_settings=None):
        """The part every server here needs, without any managed domain."""
        lines = [f"LoadModule mpm_{self.mpm}_module {places.modules_dir()}/mod_mpm_{self.mpm}.so"]
        lines += [f"LoadModule {name}_module {places.modules_dir()}/mod_{name}.so" for name in MODULES]
        if self.managed:
            lines.append(f"LoadModule md_module {self.module}")
        if os.geteuid() == 0:
            lines += [f"User {places.unprivileged_user()}", f"Group {places.unprivileged_user()}"]
        text = "\n".join(lines) + "\n" + (mpm_settings or MPM[self.mpm])
        return text + BASE.format(root=self.root, http_port=self.http_port, https_port=self.https_port,
                                  md_level=f"md:{self.md_level}" if self.managed else "")

    def md_config(self, ca_url=None, ca_file=None):
        """The directives that point the module at our CA."""
        if not self.managed:
            return ""
        text = f"MDPreflight {self.preflight}\n" if not places.is_stock(self.module) else ""
        text += f"MDStoreDir md\nMDPortMap http:{self.http_port} https:{self.https_port}\n"
        text += "MDCertificateAgreement accepted\nMDContactEmail admin@example.test\n"
        url = ca_url or (self.ca.url if self.ca else "https://localhost:1/dir")
        ca_file = ca_file or (self.ca.ca_file if self.ca else None)
        return text + f"MDCertificateAuthority {url}\n" + (f"MDCACertificateFile {ca_file}\n" if ca_file else "")

    def vhost(self, name, *aliases, extra="", http=True, https=True):
        """Virtual hosts of one name on both ports."""
        inner = f"    ServerName {name}\n" + "".join(f"    ServerAlias {a}\n" for a in aliases)
        inner += "".join(f"    {line}\n" for line in extra.splitlines())
        text = f"<VirtualHost *:{self.http_port}>\n{inner}</VirtualHost>\n" if http else ""
        if https:
            text += f"<VirtualHost *:{self.https_port}>\n{inner}    SSLEngine on\n</VirtualHost>\n"
        return text

    def configure(self, *snippets, mpm_settings=None, ca_url=None, ca_file=None):
        """Write the configuration: base, CA, then the snippets in order."""
        text = self.base_config(mpm_settings) + self.md_config(ca_url, ca_file) + "\n".join(snippets)
        (self.root / "conf/httpd.conf").write_text(text + "\n")
        return self

    def managing(self, *names, extra="", vhosts=True, **kw):
        """The usual configuration: one MDomain over `names`, and a virtual host for the first with the rest as alias."""
        hosts = self.vhost(names[0], *names[1:]) if vhosts else ""
        return self.configure(extra, f"MDomain {' '.join(names)}\n", hosts, **kw)

    # -- running

    def argv(self, *more):
        """The command line for this server root."""
        return [places.httpd_program(), "-d", str(self.root), "-f", "conf/httpd.conf", *more]

    def configtest(self):
        """(accepted, output) of `httpd -t`."""
        done = subprocess.run(self.argv("-t"), capture_output=True, text=True, timeout=60, check=False)
        return done.returncode == 0, done.stdout + done.stderr

    def launch(self):
        """Start it without waiting for anything."""
        self.proc = Proc(self.argv("-DFOREGROUND"), self.root / "logs/console.log", self.env, cwd="/")
        return self

    def start(self, timeout=20.0):
        """Start it and wait until it answers."""
        mark = self.begun = self.mark()
        self.launch()
        wait_until(lambda: self._started(mark), timeout, "httpd comes up", pause=0.01)
        return self

    def _started(self, mark):
        if not self.proc.alive():
            raise AssertionError(f"httpd ended with {self.proc.child.returncode}:\n{self.proc.output()[-3000:]}\n"
                                 + self.error_log()[mark:][-3000:])
        return RESUMING in self.error_log()[mark:] and self.answers()

    def answers(self, timeout=2.0):
        """Whether its http port answers a request at all."""
        try:
            return self.get("/", timeout=timeout)[0] > 0
        except (OSError, http.client.HTTPException):
            return False

    def graceful(self, timeout=20.0):
        """A graceful restart, done when the new generation runs."""
        mark = self.begun = self.mark()
        self.proc.signal(signal.SIGUSR1)
        wait_until(lambda: self._started(mark), timeout, "the graceful restart")

    def stop(self, timeout=15.0):
        """End it in good order; harmless when it does not run."""
        if self.proc:
            self.note_crashes()
            self.proc.stop(timeout)
            self.proc = None
            self.looked = self.mark()       # children of the event MPM may crash on its own account when they are told to end

    def kill(self):
        """kill -9 of parent and children."""
        self.note_crashes()
        self.proc.kill()
        self.proc = None

    def note_crashes(self):
        """Remember which children crashed, while the server runs."""
        self.crashes += self.log_lines("exit signal (Segmentation|Abort|Bus|Illegal|Floating)", self.looked)
        self.looked = self.mark()

    def restart(self):
        """Stop and start."""
        self.stop()
        self.start()

    def children(self):
        """The process ids of its children."""
        return children_of(self.proc.pid)

    def memory(self):
        """KiB of proportional memory over parent and children."""
        return memory_of([self.proc.pid] + self.children())

    # -- logs

    def error_log(self):
        """The whole error log."""
        try:
            return (self.root / "logs/error.log").read_text(errors="replace")
        except FileNotFoundError:
            return ""

    def access_log(self):
        """Lines of `seconds child-pid vhost status request-line`."""
        return (self.root / "logs/access.log").read_text(errors="replace").splitlines()

    def mark(self):
        """Where the error log ends now."""
        return len(self.error_log())

    def log_lines(self, pattern, since=0):
        """The error log's lines in which `pattern` is found."""
        return [line for line in self.error_log()[since:].splitlines() if re.search(pattern, line)]

    def wait_for_log(self, pattern, timeout=15.0, since=0):
        """The first line that matches, waited for."""
        try:
            return wait_until(lambda: self.log_lines(pattern, since), timeout, f"'{pattern}' in the error log")[0]
        except Timeout as missing:
            raise Timeout(f"{missing}; its end:\n{self.error_log()[-4000:]}") from None

    # -- requests

    def get(self, path, host="localhost", method="GET", timeout=10.0, port=None, headers=None):
        """(status, headers, body) of a plain http request."""
        conn = http.client.HTTPConnection("127.0.0.1", port or self.http_port, timeout=timeout)
        try:
            conn.request(method, urllib.parse.quote(path, safe="/?=&%:"), headers={"Host": host, **(headers or {})})
            answer = conn.getresponse()
            return answer.status, answer.headers, answer.read()
        finally:
            conn.close()

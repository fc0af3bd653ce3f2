"""The sample service of docker-compose.yml: it answers with what reached it.

Usage: python service.py PORT
"""

import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Echo(BaseHTTPRequestHandler):
    """Answers each GET and HEAD with the path, and with what the paywall says of the payment."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Answers as JSON."""
        paid = {
            name: self.headers[name]
            for name in self.headers
            if name.lower().startswith("x-uraiden-")
        }
        body = json.dumps({"path": self.path, "paid": paid}, indent=2).encode() + b"\n"
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_HEAD = do_GET


if __name__ == "__main__":
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Echo).serve_forever()

"""A consumer with Debian's python3-qpid-proton: prints each message as a line of JSON, answers as it is told."""
import json
import sys

from proton import SSLDomain
from proton.handlers import MessagingHandler
from proton.reactor import Container


class Consumer(MessagingHandler):
    def __init__(self, url, user, password, ca, wanted, answer):
        super().__init__(auto_accept=False, auto_settle=False, prefetch=20)
        self.url, self.user, self.password, self.ca = url, user, password, ca
        self.left, self.answer = wanted, answer

    def on_start(self, event):
        domain = SSLDomain(SSLDomain.MODE_CLIENT)
        domain.set_trusted_ca_db(self.ca)
        domain.set_peer_authentication(SSLDomain.VERIFY_PEER_NAME)
        connection = event.container.connect(
            self.url, user=self.user, password=self.password, ssl_domain=domain,
            allowed_mechs="PLAIN", heartbeat=60, reconnect=False)
        event.container.create_receiver(connection)

    def on_message(self, event):
        body = event.message.body
        print(json.dumps({
            "id": event.message.id,
            "properties": {k: v for k, v in event.message.properties.items()},
            "long": type(event.message.properties["generateTime"]).__name__,
            "body": bytes(body).decode("utf-8", "backslashreplace"),
            "tries": event.message.delivery_count,
        }), flush=True)
        getattr(self, self.answer)(event.delivery)
        self.left -= 1
        if self.left == 0:
            event.connection.close()

    def on_transport_error(self, event):
        print(json.dumps({"error": str(event.transport.condition)}), flush=True)

    def on_connection_error(self, event):
        print(json.dumps({"error": str(event.connection.remote_condition)}), flush=True)
        event.connection.close()


url, user, password, ca, wanted, answer = sys.argv[1:]
Container(Consumer(url, user, password, ca, int(wanted), answer)).run()

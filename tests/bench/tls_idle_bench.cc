// Heap bytes per idle TLS server connection, and CPU per full handshake, without sockets: a client and a server talk
// through memory, the client is dropped, the server stays. Usage: tls_idle_bench [connections] [modern|compatible]
#include <malloc.h>
#include <time.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "platform/runtime/pki.h"
#include "platform/runtime/tls.h"

using namespace tercet;
using namespace tercet::runtime;

namespace {

/// One end of a pipe in memory.
class PipeStream final : public Stream {
 public:
  PipeStream(std::string* in, std::string* out) : in_(in), out_(out) {}
  Io read(MutableBytes into) override {
    const std::size_t n = std::min(into.size(), in_->size());
    std::memcpy(into.data(), in_->data(), n);
    in_->erase(0, n);
    return {n < into.size() ? Io::State::drained : Io::State::more, n};
  }
  Io write(Bytes from) override {
    if (out_ != nullptr) out_->append(as_text(from));
    return {Io::State::more, from.size()};
  }
  void shut_down() override {}
  const Address& peer() const override { return peer_; }

 private:
  std::string* in_;
  std::string* out_;
  Address peer_;
};

double cpu_seconds() {
  timespec at{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &at);
  return static_cast<double>(at.tv_sec) + static_cast<double>(at.tv_nsec) * 1e-9;
}

std::size_t resident_bytes() {
  std::size_t total = 0, resident = 0;
  if (FILE* file = std::fopen("/proc/self/statm", "r")) {
    if (std::fscanf(file, "%zu %zu", &total, &resident) != 2) resident = 0;
    std::fclose(file);
  }
  return resident * 4096;
}

}  // namespace

int main(int argc, char** argv) {
  const int count = argc > 1 ? std::atoi(argv[1]) : 5000;
  const bool compatible = argc > 2 && std::strcmp(argv[2], "compatible") == 0;
  const UnixMillis now{1'800'000'000'000};
  const auto kind = compatible ? KeyKind::rsa_2048 : KeyKind::ecdsa_p256;
  const auto root = make_authority(kind, "Bench CA", now);
  const std::vector<std::string> names{"localhost"};
  const TlsIdentity identity[] = {*make_server_identity(*root, kind, names, now)};
  const auto server_context =
      TlsServerContext::open(compatible ? TlsProfile::compatible : TlsProfile::modern, identity);
  TlsClientContext::Options options;
  options.roots_pem = root->chain_pem;
  options.at = now;
  options.tls12_only = compatible;
  if (compatible) options.ciphers = "AES128-SHA";
  const auto client_context = TlsClientContext::open(options);

  static std::string to_server, to_client;
  std::vector<std::unique_ptr<Stream>> idle;
  idle.reserve(static_cast<std::size_t>(count));
  double server_cpu = 0;
  std::size_t before = 0, resident = 0;
  std::uint8_t buffer[256];
  const int warm_up = 100;
  for (int i = 0; i < warm_up + count; ++i) {
    if (i == warm_up) before = mallinfo2().uordblks, resident = resident_bytes(), server_cpu = 0;
    to_server.clear(), to_client.clear();
    auto server = server_context->wrap(std::make_unique<PipeStream>(&to_server, &to_client));
    auto client = client_context->wrap(std::make_unique<PipeStream>(&to_client, &to_server), "localhost");
    bool done = false;
    (void)client->write(as_bytes("CONNECT"));
    for (int turn = 0; turn < 6 && !done; ++turn) {
      const double from = cpu_seconds();
      done = server->read(buffer).bytes != 0;
      server_cpu += cpu_seconds() - from;
      (void)client->read(buffer);
    }
    if (!done) return std::fprintf(stderr, "handshake failed: %s\n", server->failure().detail.c_str()), 1;
    (void)server->write(as_bytes("CONNACK"));
    if (i == 0) std::printf("%s\n", server->tls_description().c_str());
    idle.push_back(std::move(server));
    if (i < warm_up) idle.pop_back();
  }
  to_server.clear(), to_client.clear();
  std::printf("heap per idle TLS connection: %zu bytes (%d connections)\n",
              (mallinfo2().uordblks - before) / static_cast<std::size_t>(count), count);
  std::printf("resident per idle TLS connection: %zu bytes\n",
              (resident_bytes() - resident) / static_cast<std::size_t>(count));
  std::printf("server CPU per full handshake: %.0f us\n", server_cpu / count * 1e6);
  return 0;
}

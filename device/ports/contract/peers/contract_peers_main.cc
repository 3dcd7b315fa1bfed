// The other ends of the contract suite, for a board on the same network that runs the self-test firmware:
//   contract_peers HOST [ADDRESS] [FIRST_PORT] > root.pem
// HOST: the name or address at which the board reaches this machine, and what the certificates carry. Runs until
// standard input ends. The ports are FIRST_PORT (9400) and those behind it.
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

#include "ports/contract/peers/peers.h"

int main(int argc, char** argv) {
  using namespace tercet::contract;
  if (argc < 2 || argc > 4) {
    std::fprintf(stderr, "contract_peers HOST [ADDRESS=127.0.0.1] [FIRST_PORT=9400] > root.pem\n");
    return 2;
  }
  PeersConfig config;
  config.host = argv[1];
  if (argc > 2) config.address = argv[2];
  const long port = argc > 3 ? std::strtol(argv[3], nullptr, 10) : 9400;
  if (port < 1 || port > 65'535 - static_cast<long>(kPeerKinds)) {
    std::fprintf(stderr, "contract_peers: FIRST_PORT is from 1 to %ld\n", 65'535 - static_cast<long>(kPeerKinds));
    return 2;
  }
  config.first_port = static_cast<std::uint16_t>(port);
  const Peers peers{config};
  std::printf("%s", peers.root_pem().c_str());
  std::fflush(stdout);
  std::fprintf(stderr, "contract_peers: %s, ports %ld to %ld\n", config.host.c_str(), port,
               port + static_cast<long>(kPeerKinds) - 1);
  char byte;
  while (::read(0, &byte, 1) > 0) continue;
  return 0;
}

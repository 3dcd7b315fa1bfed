#pragma once
#include <algorithm>
#include <optional>
#include <string>

#include "tercet/device/port.h"

namespace tercet::fake {

/// A connection to a server of files: one answer for whoever asks.
class FileServer final : public device::Transport {
 public:
  std::string body;
  std::string status = "200 OK";
  std::optional<Error> breaks;  ///< at TLS
  std::string request, host;
  int opened = 0;

  Result<void> open(const device::Target& target) override {
    ++opened, host = target.host, request.clear(), given_ = 0;
    stage_ = device::Stage::securing;
    return {};
  }
  Result<device::Stage> advance() override {
    if (breaks) return fail(*breaks);
    return stage_ = device::Stage::ready;
  }
  device::Stage stage() const override { return stage_; }
  Result<std::size_t> read(MutableBytes into) override {
    const std::string answer =
        "HTTP/1.1 " + status + "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
    const std::size_t size = std::min({into.size(), std::size_t{300}, answer.size() - given_});
    if (size == 0) return fail(Error::closed);
    std::copy_n(answer.begin() + static_cast<std::ptrdiff_t>(given_), size, into.begin());
    given_ += size;
    return size;
  }
  Result<std::size_t> write(Bytes from) override {
    request += as_text(from);
    return from.size();
  }
  void close() override { stage_ = device::Stage::closed; }

 private:
  device::Stage stage_ = device::Stage::closed;
  std::size_t given_ = 0;
};

}  // namespace tercet::fake

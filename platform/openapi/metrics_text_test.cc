#include "platform/openapi/metrics_text.h"

#include <doctest/doctest.h>

using tercet::openapi::MetricsText;

TEST_CASE("metrics are written in the Prometheus text format") {
  MetricsText out;
  out.counter("tercet_posts_total", "Posts accepted.", 18446744073709551615u);
  out.head("tercet_online", MetricsText::Kind::gauge, "Devices online.")
      .sample(std::uint64_t{3}, "shard=\"0\"")
      .sample(0.5, "shard=\"1\"");
  CHECK(out.text() ==
        "# HELP tercet_posts_total Posts accepted.\n# TYPE tercet_posts_total counter\n"
        "tercet_posts_total 18446744073709551615\n"
        "# HELP tercet_online Devices online.\n# TYPE tercet_online gauge\n"
        "tercet_online{shard=\"0\"} 3\ntercet_online{shard=\"1\"} 0.5\n");
}

#include "platform/openapi/action.h"

#include <algorithm>

namespace tercet::openapi {

registry::DeviceRef Call::device() const {
  return {std::string(parameters.text("IotId")), std::string(parameters.text("ProductKey")),
          std::string(parameters.text("DeviceName"))};
}

Answer busy() {
  return gateway_error(503, "ServiceUnavailable",
                       "The platform is too busy to answer just now. Try again in a moment.");
}

namespace {
constexpr std::int64_t kMostPages = 1'000'000'000;  // times a page's size it is still a number
}

std::optional<registry::PageRequest> page_of(const Parameters& parameters, std::string_view page_name,
                                             std::size_t default_size, std::size_t most) {
  registry::PageRequest page{1, default_size};
  if (parameters.has(page_name)) {
    const auto number = parameters.number(page_name);
    if (!number || *number < 1 || *number > kMostPages) return std::nullopt;
    page.page = static_cast<std::size_t>(*number);
  }
  if (parameters.has("PageSize")) {
    const auto size = parameters.number("PageSize");
    if (!size || *size < 1 || *size > static_cast<std::int64_t>(most)) return std::nullopt;
    page.size = static_cast<std::size_t>(*size);
  }
  return page;
}

Answer bad_page(std::size_t most) {
  return refusal("iot.common.InvalidPageParams",
                 "The page counts from 1, and PageSize is 1 to " + std::to_string(most) + ".");
}

const Action* find_action(std::string_view name) {
  const auto actions = all_actions();
  const auto it = std::lower_bound(actions.begin(), actions.end(), name,
                                   [](const Action& action, std::string_view wanted) { return action.name < wanted; });
  return it != actions.end() && it->name == name ? &*it : nullptr;
}

}  // namespace tercet::openapi

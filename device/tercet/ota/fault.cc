#include "tercet/ota/fault.h"

#include "tercet/base/words.h"

namespace tercet::ota {

std::string_view name(Fault fault) {
#define TERCET_ROW(name, ...) " " #name
  return nth_word("none" TERCET_OTA_FAULTS(TERCET_ROW), static_cast<std::size_t>(fault));
#undef TERCET_ROW
}

Step step_of(Fault fault) {
  switch (fault) {
#define TERCET_ROW(name, step, ...) \
  case Fault::name:                 \
    return Step::step;
    TERCET_OTA_FAULTS(TERCET_ROW)
#undef TERCET_ROW
    case Fault::none:
      break;
  }
  return Step::upgrade_failed;
}

}  // namespace tercet::ota

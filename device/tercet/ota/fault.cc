#include "tercet/ota/fault.h"

#include "tercet/base/words.h"

namespace tercet::ota {

std::string_view name(Fault fault) {
  return nth_word(
      "none malformed other_module several_files difference older failed_before too_large no_source signature_missing "
      "signature_form download wrong_size flash wrong_digest wrong_signature other_image not_switched unhealthy "
      "crashed interrupted",
      static_cast<std::size_t>(fault));
}

Step step_of(Fault fault) {
  switch (fault) {
    case Fault::download:
    case Fault::wrong_size:
    case Fault::no_source:
      return Step::download_failed;
    case Fault::signature_missing:
    case Fault::signature_form:
    case Fault::wrong_digest:
    case Fault::wrong_signature:
    case Fault::other_image:
      return Step::verify_failed;
    case Fault::flash:
    case Fault::not_switched:
      return Step::flash_failed;
    default:
      return Step::upgrade_failed;
  }
}

}  // namespace tercet::ota

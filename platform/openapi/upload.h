#pragma once
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "platform/openapi/http.h"
#include "platform/upgrade/multipart.h"
#include "platform/upgrade/upgrades.h"

namespace tercet::openapi {

inline constexpr std::string_view kUploadPath = "/ota/upload";

/// One firmware file on its way to the disk, in the form that object stores take (PostObject): the fields of
/// GenerateOTAUploadURL first, `file` last. Answers success_action_status, else 204; a refusal is XML as object stores
/// write it. Whoever has the form needs no other signature.
class UploadSink final : public BodySink, private upgrade::MultipartEvents {
 public:
  UploadSink(upgrade::Upgrades& upgrades, std::string_view content_type);
  bool take(Bytes piece) override;
  HttpResponse answer() override;

 private:
  bool on_field(std::string_view name, std::string_view value) override;
  bool on_file(std::string_view name, std::string_view file_name) override;
  bool on_file_bytes(Bytes bytes) override;
  bool on_file_end() override;
  bool refuse(const registry::RegistryProblem& problem);

  upgrade::Upgrades& upgrades_;
  std::string boundary_;
  upgrade::MultipartReader reader_;
  upgrade::UploadForm form_;
  int success_status_ = 204;
  std::unique_ptr<upgrade::ImageWriter> writer_;
  bool stored_ = false;
  std::optional<registry::RegistryProblem> problem_;
};

}  // namespace tercet::openapi

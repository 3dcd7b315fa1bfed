#include "platform/openapi/upload.h"

#include "platform/openapi/xml.h"

namespace tercet::openapi {

UploadSink::UploadSink(upgrade::Upgrades& upgrades, std::string_view content_type)
    : upgrades_(upgrades), boundary_(upgrade::MultipartReader::boundary_of(content_type)), reader_(boundary_, *this) {}

bool UploadSink::take(Bytes piece) { return !boundary_.empty() && reader_.take(piece); }

bool UploadSink::refuse(const registry::RegistryProblem& problem) {
  problem_ = problem;
  return false;
}

bool UploadSink::on_field(std::string_view name, std::string_view value) {
  if (name == "key") form_.key = value;
  if (name == "policy") form_.policy = value;
  if (name == "Signature") form_.signature = value;
  if (name == "success_action_status") success_status_ = value == "200" ? 200 : value == "201" ? 201 : 204;
  return true;
}

bool UploadSink::on_file(std::string_view, std::string_view) {
  if (writer_ || stored_) return refuse({Error::bad_argument, "tercet.ota.UploadRefused", "the form has two files"});
  auto writer = upgrades_.begin_upload(form_);
  if (!writer) return refuse(writer.problem());
  writer_ = std::move(*writer);
  return true;
}

bool UploadSink::on_file_bytes(Bytes bytes) {
  const auto added = writer_->add(bytes);
  return added ? true : refuse({added.problem().code, "tercet.ota.UploadFailed", added.problem().detail});
}

bool UploadSink::on_file_end() {
  const auto facts = writer_->keep();
  writer_.reset();
  if (!facts) return refuse({facts.problem().code, "tercet.ota.UploadFailed", facts.problem().detail});
  if (const auto noted = upgrades_.end_upload(form_.key, *facts); !noted) return refuse(noted.problem());
  return stored_ = true;
}

HttpResponse UploadSink::answer() {
  HttpResponse response;
  response.content_type.clear();
  if (stored_ && reader_.is_whole()) {
    response.status = success_status_;
    return response;
  }
  registry::ApiCode code = "MalformedPOSTRequest";
  std::string text =
      reader_.problem().empty() ? "the form is not whole, or has no file" : std::string(reader_.problem());
  if (boundary_.empty()) text = "the body must be multipart/form-data with a boundary";
  if (problem_) code = problem_->code, text = problem_->detail;
  response.status = problem_ && problem_->error == Error::too_large ? 413 : problem_ ? 403 : 400;
  response.content_type = "application/xml";
  response.body = to_xml("Error", {{"Code", std::string(code.text())}, {"Message", text}});
  return response;
}

}  // namespace tercet::openapi

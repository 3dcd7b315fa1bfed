#include "platform/openapi/site.h"

#include "platform/openapi/upload.h"

namespace tercet::openapi {
namespace {

/// Whether a request to `/` is a call of the OpenAPI rather than a person with a browser.
bool is_api_call(const HttpRequest& request) {
  if (request.path != "/") return false;
  if (request.method == HttpRequest::Method::post || request.method == HttpRequest::Method::other) return true;
  if (request.header("authorization").starts_with("ACS3-")) return true;
  for (const auto& [name, value] : parse_fields(request.query, Plus::itself))
    if (name == "Action" || name == "Signature" || name == "AccessKeyId") return true;
  return false;
}

/// A page of the console's own routing: "/login", "/device/a1/b"; files have a dot in their last part, and DeviceNames
/// come percent-encoded.
bool is_page(std::string_view path) {
  if (path.starts_with("/console/") || path.starts_with("/assets/")) return false;
  return path == "/" || path.starts_with("/device/") || path.find('.') == std::string_view::npos;
}

bool accepts_gzip(const HttpRequest& request) {
  return request.header("accept-encoding").find("gzip") != std::string_view::npos;
}

void add_page_headers(HttpResponse& response) {
  response.headers.emplace_back("Content-Security-Policy",
                                "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
                                "font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'self'; "
                                "frame-ancestors 'none'");
  response.headers.emplace_back("X-Frame-Options", "DENY");
  response.headers.emplace_back("Referrer-Policy", "no-referrer");
}

}  // namespace

Site::Site(Services services, FindAsset find_asset)
    : services_(std::move(services)),
      find_asset_(std::move(find_asset)),
      gateway_(services_),
      updates_(services_.loop, services_.fleet, services_.journal),
      console_(services_, gateway_, updates_),
      health_(services_, gateway_) {}

void Site::on_request(HttpRequest request, HttpResponder respond) {
  if (is_api_call(request)) return gateway_.on_request(request, std::move(respond));
  if (request.method == HttpRequest::Method::other) {
    HttpResponse response = plain_response(405, "The methods here are GET, HEAD and POST.");
    response.headers.emplace_back("Allow", "GET, HEAD, POST");
    return respond(std::move(response));
  }
  if (request.path.starts_with("/console/")) return console_.on_request(request, std::move(respond));
  if (request.path == "/healthz") return health_.live(respond);
  if (request.path == "/readyz") return health_.ready(respond);
  if (request.path == "/metrics") return health_.metrics(respond);
  if (request.method == HttpRequest::Method::post) {
    HttpResponse response = plain_response(405, "POST goes to / (OpenAPI).");
    response.headers.emplace_back("Allow", "GET, HEAD");
    return respond(std::move(response));
  }
  serve_page(request, respond);
}

std::unique_ptr<BodySink> Site::open_sink(const HttpRequest& head) {
  const bool is_upload = head.method == HttpRequest::Method::post && head.path == kUploadPath;
  if (!is_upload || services_.upgrades == nullptr) return nullptr;
  return std::make_unique<UploadSink>(*services_.upgrades, head.header("content-type"));
}

void Site::serve_page(const HttpRequest& request, const HttpResponder& respond) {
  std::optional<Asset> asset = find_asset_ ? find_asset_(request.path) : std::nullopt;
  if (!asset && find_asset_ && is_page(request.path)) asset = find_asset_("/index.html");
  HttpResponse response;
  add_page_headers(response);
  if (!asset) {
    HttpResponse nothing = plain_response(404, "There is nothing at this address.");
    response.status = nothing.status;
    response.content_type = nothing.content_type;
    response.body = nothing.body;
    return respond(std::move(response));
  }
  response.content_type = asset->content_type;
  response.headers.emplace_back("ETag", asset->etag);
  response.headers.emplace_back("Cache-Control", asset->immutable ? "public, max-age=31536000, immutable" : "no-cache");
  response.headers.emplace_back("Vary", "Accept-Encoding");
  if (request.header("if-none-match") == asset->etag) {
    response.status = 304;
    return respond(std::move(response));
  }
  const bool packed = !asset->gzip.empty() && accepts_gzip(request);
  if (packed) response.headers.emplace_back("Content-Encoding", "gzip");
  response.fixed_body = packed ? asset->gzip : asset->bytes;
  respond(std::move(response));
}

}  // namespace tercet::openapi

// `tercet cert` and `tercet ca`: X.509 certificates of devices, and the authorities that sign them.
#include <boost/json.hpp>
#include <fstream>
#include <iostream>
#include <map>
#include <memory>
#include <sstream>

#include "cli/manage.h"
#include "cli/new_files.h"
#include "cli/perform.h"
#include "cli/verbs.h"

namespace tercet::cli {
namespace {

using Parameters = std::map<std::string, std::string>;

struct Words {
  std::string product, device, file, serial, out, authority;
  bool rsa = false, force = false;
  int days = 3652;
  Parameters parameters() const { return {{"ProductKey", product}, {"DeviceName", device}}; }
};

std::shared_ptr<Words> words_of(CLI::App* verb) {
  auto words = std::make_shared<Words>();
  verb->add_option("product", words->product, "ProductKey")->required();
  verb->add_option("device", words->device, "DeviceName")->required();
  return words;
}

void fail(Verbs& verbs, int code, const std::string& problem) {
  std::cerr << "tercet: " << problem << "\n";
  verbs.exit_code = code;
}

bool read_text(Verbs& verbs, const std::string& path, std::string& text) {
  std::ifstream in(path);
  std::ostringstream all;
  if (in && (all << in.rdbuf())) {
    text = all.str();
    return true;
  }
  fail(verbs, 2, path + " cannot be read");
  return false;
}

/// The key comes once: where it is to lie is looked at before the certificate is made.
void issue(Verbs& verbs, const Words& words) {
  const std::string front = words.out.empty() ? words.device : words.out;
  const std::string certificate = front + ".pem", key = front + ".key";
  std::string problem;
  for (const std::string& path : {certificate, key})
    if (!NewFiles::is_free(path, words.force, problem)) return fail(verbs, 2, problem);
  ApiAccess access;
  if (!reach(verbs, access)) return;
  Parameters parameters = words.parameters();
  parameters["KeyType"] = words.rsa ? "RSA" : "EC";
  parameters["Days"] = std::to_string(words.days);
  const ApiAnswer answer = call(access, "IssueDeviceCert", parameters);
  if (!answer.arrived()) return fail(verbs, 2, answer.problem);
  if (const std::string refused = refusal_of(answer, "IssueDeviceCert"); !refused.empty())
    return fail(verbs, 1, refused);
  const boost::json::value body = boost::json::parse(answer.body);
  const boost::json::object& data = body.at("Data").as_object();
  NewFiles files(words.force);
  if (!files.add(key, std::string_view(data.at("PrivateKey").as_string()), problem) ||
      !files.add(certificate, std::string_view(data.at("Certificate").as_string()), problem) || !files.commit(problem))
    return fail(verbs, 2, problem + "; the certificate was made: `tercet cert revoke` it, and try again");
  std::cout << certificate << " and " << key << " (its only copy); serial number "
            << std::string_view(data.at("CertSN").as_string()) << "\n";
}

}  // namespace

void add_cert_verbs(CLI::App& app, Verbs& verbs) {
  CLI::App* cert = app.add_subcommand("cert", "X.509 certificates that devices log in with");
  cert->require_subcommand(1);

  CLI::App* made = verb_of(*cert, verbs, "issue", "make a device's certificate and key, in two files");
  auto issued = words_of(made);
  made->add_option("--out", issued->out, "FILE for FILE.pem and FILE.key; the DeviceName without it");
  made->add_option("--days", issued->days, "how long it is good")->check(CLI::Range(1, 10950));
  made->add_flag("--rsa", issued->rsa, "an RSA key, for boards whose TLS knows no elliptic curves");
  made->add_flag("--force", issued->force, "overwrite files");
  made->callback([&verbs, issued] { issue(verbs, *issued); });

  CLI::App* own = verb_of(*cert, verbs, "bind", "let a device log in with a certificate of your own making");
  auto bound = words_of(own);
  auto* file = own->add_option("--cert", bound->file, "the certificate, PEM; its key stays where it is");
  auto* number = own->add_option("--serial", bound->serial, "or the serial number of one that an authority signs");
  own->add_option("--ca", bound->authority, "that authority's SHA-256, eight digits at least (`tercet ca list`)")
      ->needs(number);
  file->excludes(number);
  own->callback([&verbs, bound] {
    if (bound->file.empty() == bound->serial.empty())
      return fail(verbs, 2, "say which one: --cert FILE, or --serial NUMBER of an authority (`tercet ca add FILE`)");
    Parameters parameters = bound->parameters();
    if (bound->file.empty()) {
      parameters["CertSN"] = bound->serial;
      if (!bound->authority.empty()) parameters["CaSha256"] = bound->authority;
    } else if (!read_text(verbs, bound->file, parameters["Certificate"])) {
      return;
    }
    perform(verbs, {"BindDeviceCert", parameters, "Data", {}});
  });

  CLI::App* list = verb_of(*cert, verbs, "list", "a device's certificates; Status 0 is revoked");
  auto listed = words_of(list);
  list->callback([&verbs, listed] {
    perform(verbs, {"ListDeviceCerts",
                    listed->parameters(),
                    "Data.CertInfo",
                    {"CertSN", "Status", "NotAfter", "Sha256", "CaSha256"}});
  });

  CLI::App* revoke = verb_of(*cert, verbs, "revoke", "take a device's certificate away, for good; ends its session");
  auto revoked = words_of(revoke);
  auto* serial = revoke->add_option("--serial", revoked->serial, "its serial number");
  auto all = std::make_shared<bool>(false);
  auto* every = revoke->add_flag("--all", *all, "every one of the device");
  serial->excludes(every);
  revoke->callback([&verbs, revoked, all] {
    if (revoked->serial.empty() && !*all)
      return fail(verbs, 2, "say which one: --serial NUMBER (`tercet cert list PK DN`) or --all");
    Parameters parameters = revoked->parameters();
    if (!*all) parameters["CertSN"] = revoked->serial;
    perform(verbs, {"RevokeDeviceCert", parameters, "", {}});
  });

  CLI::App* ca = app.add_subcommand("ca", "authorities of your own, whose certificates devices log in with");
  ca->require_subcommand(1);
  CLI::App* add = verb_of(*ca, verbs, "add", "upload an authority's certificate");
  auto added = std::make_shared<Words>();
  add->add_option("file", added->file, "PEM; its key stays where it is")->required();
  add->callback([&verbs, added] {
    Parameters parameters;
    if (read_text(verbs, added->file, parameters["Certificate"]))
      perform(verbs, {"AddCaCertificate", parameters, "Data", {}});
  });
  CLI::App* known =
      verb_of(*ca, verbs, "list", "the authorities there are, and how many devices' certificates count on each");
  known->callback([&verbs] {
    perform(verbs, {"ListCaCertificates", {}, "Data.CaInfo", {"CaSha256", "Name", "NotAfter", "BoundCount"}});
  });
  CLI::App* drop = verb_of(*ca, verbs, "delete", "an authority, and what is bound by it: those devices are signed out");
  auto dropped = std::make_shared<Words>();
  drop->add_option("sha256", dropped->authority, "its SHA-256, eight digits at least")->required();
  drop->callback([&verbs, dropped] {
    perform(verbs, {"DeleteCaCertificate", {{"CaSha256", dropped->authority}}, "", {}});
  });
}

}  // namespace tercet::cli

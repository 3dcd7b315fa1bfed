#include "platform/registry/secret_box.h"

#include <fcntl.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <memory>

#include "tercet/base/check.h"
#include "tercet/crypto/encoding.h"

namespace tercet::registry {
namespace {

using runtime::Outcome;
using runtime::Problem;

constexpr char kVersion = 1;
constexpr std::size_t kNonceBytes = 12;
constexpr std::size_t kTagBytes = 16;
constexpr std::size_t kOverhead = 1 + kNonceBytes + kTagBytes;
constexpr const char* kVariable = "TERCET_MASTER_KEY";

using Cipher = std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)>;

unsigned char* raw(std::string& text) { return reinterpret_cast<unsigned char*>(text.data()); }
const unsigned char* raw(std::string_view text) { return reinterpret_cast<const unsigned char*>(text.data()); }
int length(std::string_view text) { return static_cast<int>(text.size()); }

class File {
 public:
  explicit File(int descriptor) : descriptor_(descriptor) {}
  ~File() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  operator int() const { return descriptor_; }  // NOLINT: a descriptor
 private:
  int descriptor_;
};

std::string trimmed(std::string text) {
  while (!text.empty() && std::strchr(" \t\r\n", text.back()) != nullptr) text.pop_back();
  return text;
}

}  // namespace

SecretBox::~SecretBox() { OPENSSL_cleanse(key_.data(), key_.size()); }

Outcome<SecretBox> SecretBox::from_hex(std::string_view hex) {
  Key key;
  const auto decoded = crypto::decode_hex(hex, key);
  if (!decoded || decoded->size() != kKeyBytes) return Problem{Error::malformed, "a master key is 64 hex digits"};
  SecretBox box(key);
  OPENSSL_cleanse(key.data(), key.size());
  return box;
}

Outcome<SecretBox> SecretBox::from_environment_or(const std::filesystem::path& file) {
  const char* variable = std::getenv(kVariable);
  if (variable == nullptr) return from_file(file);
  auto box = from_hex(trimmed(variable));
  if (!box) return Problem{box.problem().code, std::string(kVariable) + ": " + box.problem().detail};
  return box;
}

Outcome<SecretBox> SecretBox::from_file(const std::filesystem::path& file) {
  const std::string name = file.string();
  const File opened(::open(name.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (opened < 0) {
    const bool missing = errno == ENOENT;
    return Problem{missing ? Error::not_found : Error::io_failed,
                   "cannot read the master key " + name + ": " + std::strerror(errno) +
                       (missing ? "; restore it from your backup, or set TERCET_MASTER_KEY" : "")};
  }
  struct stat info {};
  if (::fstat(opened, &info) != 0 || !S_ISREG(info.st_mode))
    return Problem{Error::io_failed, "the master key " + name + " is no ordinary file"};
  if ((info.st_mode & 0077) != 0)
    return Problem{Error::denied, "others can read the master key " + name + ": run chmod 600 " + name};
  if (info.st_uid != ::geteuid())
    return Problem{Error::denied, "the master key " + name + " belongs to another user: run chown on it"};
  std::string text(256, '\0');
  const ssize_t got = ::read(opened, text.data(), text.size());
  if (got < 0) return Problem{Error::io_failed, "cannot read the master key " + name + ": " + std::strerror(errno)};
  text.resize(static_cast<std::size_t>(got));
  auto box = from_hex(trimmed(text));
  OPENSSL_cleanse(text.data(), text.size());
  if (!box) return Problem{box.problem().code, "the master key " + name + " is damaged: " + box.problem().detail};
  return box;
}

Outcome<void> SecretBox::create_file(const std::filesystem::path& file) {
  const std::string name = file.string();
  const File made(::open(name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (made < 0)
    return Problem{errno == EEXIST ? Error::already_exists : Error::io_failed,
                   "cannot make the master key " + name + ": " + std::strerror(errno)};
  Key key;
  char text[2 * kKeyBytes + 1];
  if (RAND_bytes(key.data(), static_cast<int>(key.size())) != 1)
    return Problem{Error::io_failed, "the random source gives nothing"};
  TERCET_CHECK(crypto::encode_hex(key, text).has_value());
  OPENSSL_cleanse(key.data(), key.size());
  text[2 * kKeyBytes] = '\n';
  const bool written = ::write(made, text, sizeof text) == static_cast<ssize_t>(sizeof text) && ::fsync(made) == 0;
  OPENSSL_cleanse(text, sizeof text);
  if (!written) {
    const int reason = errno;
    ::unlink(name.c_str());  // half a key would read as a damaged one at every later start
    return Problem{Error::io_failed, "cannot write the master key " + name + ": " + std::strerror(reason)};
  }
  const File folder(::open(file.parent_path().empty() ? "." : file.parent_path().c_str(), O_RDONLY | O_DIRECTORY));
  if (folder >= 0) static_cast<void>(::fsync(folder));
  return {};
}

std::string SecretBox::seal(std::string_view plain, std::string_view belongs_to) const {
  std::array<std::uint8_t, kNonceBytes> nonce;
  TERCET_CHECK(RAND_bytes(nonce.data(), static_cast<int>(nonce.size())) == 1);
  return seal_with_nonce(plain, belongs_to, nonce);
}

std::string SecretBox::seal_with_nonce(std::string_view plain, std::string_view belongs_to,
                                       const std::array<std::uint8_t, kNonceBytes>& nonce) const {
  std::string sealed(1, kVersion);
  sealed.append(as_text(nonce));
  sealed.resize(kOverhead + plain.size());
  unsigned char* out = raw(sealed) + 1 + kNonceBytes;
  const Cipher cipher(EVP_CIPHER_CTX_new(), &EVP_CIPHER_CTX_free);
  int n = 0;
  const bool done = EVP_EncryptInit_ex(cipher.get(), EVP_aes_256_gcm(), nullptr, key_.data(), nonce.data()) == 1 &&
                    EVP_EncryptUpdate(cipher.get(), nullptr, &n, raw(belongs_to), length(belongs_to)) == 1 &&
                    EVP_EncryptUpdate(cipher.get(), out, &n, raw(plain), length(plain)) == 1 &&
                    EVP_EncryptFinal_ex(cipher.get(), out + plain.size(), &n) == 1 &&
                    EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_GCM_GET_TAG, kTagBytes, out + plain.size()) == 1;
  TERCET_CHECK(done);  // fails only without memory
  return sealed;
}

Result<std::string> SecretBox::open(std::string_view sealed, std::string_view belongs_to) const {
  if (sealed.size() < kOverhead) return fail(Error::unauthenticated);
  if (sealed[0] != kVersion) return fail(Error::unsupported);
  const unsigned char* nonce = raw(sealed) + 1;
  const std::string_view body = sealed.substr(1 + kNonceBytes, sealed.size() - kOverhead);
  std::string tag(sealed.substr(sealed.size() - kTagBytes));
  std::string plain(body.size(), '\0');
  const Cipher cipher(EVP_CIPHER_CTX_new(), &EVP_CIPHER_CTX_free);
  int n = 0;
  const bool done = EVP_DecryptInit_ex(cipher.get(), EVP_aes_256_gcm(), nullptr, key_.data(), nonce) == 1 &&
                    EVP_DecryptUpdate(cipher.get(), nullptr, &n, raw(belongs_to), length(belongs_to)) == 1 &&
                    EVP_DecryptUpdate(cipher.get(), raw(plain), &n, raw(body), length(body)) == 1 &&
                    EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_GCM_SET_TAG, kTagBytes, tag.data()) == 1 &&
                    EVP_DecryptFinal_ex(cipher.get(), raw(plain) + plain.size(), &n) == 1;
  if (!done) return fail(Error::unauthenticated);
  return plain;
}

}  // namespace tercet::registry

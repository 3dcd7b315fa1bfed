#include "provision/nvs_keys.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <algorithm>

#include "tercet/base/check.h"

namespace tercet::provision {
namespace {

constexpr std::size_t kHalf = NvsKeys::kBytes / 2;

struct ContextFreed {
  void operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }
};
using Context = std::unique_ptr<EVP_CIPHER_CTX, ContextFreed>;

Context make_context(Bytes keys, bool encrypting) {
  Context context(EVP_CIPHER_CTX_new());
  TERCET_CHECK(context != nullptr);
  TERCET_CHECK(EVP_CipherInit_ex(context.get(), EVP_aes_256_xts(), nullptr, keys.data(), nullptr, encrypting ? 1 : 0) ==
               1);
  return context;
}

void run(EVP_CIPHER_CTX* context, std::size_t offset, Entry& entry) {
  std::array<std::uint8_t, 16> number{};
  put_u32(number, 0, static_cast<std::uint32_t>(offset));
  Entry out;
  int size = 0;
  TERCET_CHECK(EVP_CipherInit_ex(context, nullptr, nullptr, nullptr, number.data(), -1) == 1);
  TERCET_CHECK(EVP_CipherUpdate(context, out.data(), &size, entry.data(), static_cast<int>(entry.size())) == 1);
  TERCET_CHECK(size == static_cast<int>(entry.size()));
  entry = out;
}

}  // namespace

Result<NvsKeys> NvsKeys::from(Bytes random) {
  if (random.size() != kBytes || std::equal(random.begin(), random.begin() + kHalf, random.begin() + kHalf))
    return fail(Error::bad_argument);
  NvsKeys made;
  std::copy(random.begin(), random.end(), made.bytes_.begin());
  return made;
}

Result<NvsKeys> NvsKeys::parse(Bytes partition, std::string& problem) {
  constexpr std::size_t kWithCrc = kBytes + 4;
  if (partition.size() != kPageBytes) {
    problem = "a key partition has 4096 bytes, this has " + std::to_string(partition.size());
    return fail(Error::malformed);
  }
  if (get_u32(partition, kBytes) != nvs_crc(partition.first(kBytes))) {
    problem = "the checksum of the keys is wrong: damaged, or no key partition (or one read out of an encrypted flash)";
    return fail(Error::malformed);
  }
  if (!std::all_of(partition.begin() + kWithCrc, partition.end(), [](std::uint8_t byte) { return byte == 0xFF; })) {
    problem = "there is something behind the keys: damaged, or no key partition";
    return fail(Error::malformed);
  }
  auto keys = from(partition.first(kBytes));
  if (!keys) {
    problem = "both keys are the same, which XTS does not allow";
    return fail(Error::malformed);
  }
  return keys;
}

NvsKeys::~NvsKeys() { OPENSSL_cleanse(bytes_.data(), bytes_.size()); }

std::vector<std::uint8_t> NvsKeys::partition() const {
  std::vector<std::uint8_t> image(kPageBytes, 0xFF);
  std::copy(bytes_.begin(), bytes_.end(), image.begin());
  put_u32(image, kBytes, nvs_crc(bytes_));
  return image;
}

struct NvsCipher::Contexts {
  Context encrypting, decrypting;
};

NvsCipher::NvsCipher(const NvsKeys& keys)
    : contexts_(new Contexts{make_context(keys.bytes(), true), make_context(keys.bytes(), false)}) {}
NvsCipher::NvsCipher(NvsCipher&&) noexcept = default;
NvsCipher::~NvsCipher() = default;

void NvsCipher::encrypt(std::size_t offset, Entry& entry) { run(contexts_->encrypting.get(), offset, entry); }
void NvsCipher::decrypt(std::size_t offset, Entry& entry) { run(contexts_->decrypting.get(), offset, entry); }

}  // namespace tercet::provision

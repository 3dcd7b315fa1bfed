#pragma once
// clang-format off
/// Why an update ends, once, in the order in which boards keep it in flash: name, the step that the protocol has for it,
/// cause and remedy in English and Chinese. `Fault`, name() and step_of() are made of it, and so is the error book
/// (docs/errors.md); the texts are in no firmware.
#define TERCET_OTA_FAULTS(ROW) \
  ROW(malformed, upgrade_failed, "The offer of the update lacks something or contradicts itself.", "升级通知缺少内容或自相矛盾。", "Publish the job again with the platform's own tools.", "用平台工具重新下发升级任务。") \
  ROW(other_module, upgrade_failed, "The offer is for a module that this board does not have.", "升级包所属模块与本设备不符。", "Start the job for the module that the board reports.", "按设备上报的模块下发任务。") \
  ROW(several_files, upgrade_failed, "The package has several files, and this board takes one.", "升级包含多个文件，本设备只支持一个。", "Upload one image.", "上传单个镜像。") \
  ROW(difference, upgrade_failed, "The package is a difference to an older image, and this board takes whole ones.", "升级包是差分包，本设备只支持整包。", "Upload the whole image.", "上传整包。") \
  ROW(older, upgrade_failed, "The offered version is older than what runs, or than the least that the board allows.", "版本低于当前版本或设备允许的最低版本。", "Raise the version of the image, or lower Options::least_version for a way back.", "提高镜像版本；确需回退时调低 Options::least_version。") \
  ROW(failed_before, upgrade_failed, "This very image has been rolled back on the board before.", "该镜像曾在本设备上回滚过。", "Build a corrected image with another version.", "修正后以新版本重新构建。") \
  ROW(too_large, upgrade_failed, "The image is larger than the slot.", "镜像大于分区。", "Make the image smaller, or the partition larger.", "减小镜像，或增大分区。") \
  ROW(no_source, download_failed, "The board has neither a way to the address nor to fetch over its session.", "设备既不能访问下载地址，也不能经会话下载。", "Choose a job over MQTT, or give the board an HTTPS client.", "改用 MQTT 下载，或为设备启用 HTTPS 客户端。") \
  ROW(signature_missing, verify_failed, "The board wants signed images, and the offer has no signature.", "设备要求签名镜像，但升级包没有签名。", "Sign the image and upload it with its signature.", "对镜像签名并连同签名上传。") \
  ROW(signature_form, verify_failed, "The signature is not base64, or longer than any.", "签名不是 base64，或长度不对。", "Upload the signature in base64 as the signing tool prints it.", "按签名工具的输出上传 base64 签名。") \
  ROW(download, download_failed, "The download was given up after too many attempts, or the server refused it.", "多次重试后放弃下载，或服务器拒绝。", "Check the way to the port for files, then start the job again for this device.", "检查到文件端口的网络，再对该设备重新升级。") \
  ROW(wrong_size, download_failed, "The file is not as long as the offer said.", "文件长度与通知不符。", "Upload the image again; look for a proxy on the way.", "重新上传镜像；检查途中的代理。") \
  ROW(flash, flash_failed, "The slot could not be erased, written or read.", "分区擦除、写入或读取失败。", "Look at the board's log; flash that fails again is worn out.", "查看设备日志；反复失败说明闪存已损坏。") \
  ROW(wrong_digest, verify_failed, "The bytes in flash are not those that were offered.", "写入的内容与通知的摘要不符。", "Start again; if it stays, memory or flash of the board is at fault.", "重新升级；若仍出现，检查设备内存或闪存。") \
  ROW(wrong_signature, verify_failed, "Nobody whom the board trusts has signed the image.", "镜像不是由设备信任的密钥签名。", "Sign with the key whose public part is in the firmware.", "用固件中公钥对应的私钥签名。") \
  ROW(other_image, verify_failed, "The image says that it is another version, or for another product.", "镜像内的版本或产品与通知不符。", "Build with the version and product that the job names.", "按任务中的版本和产品构建。") \
  ROW(not_switched, flash_failed, "The boot loader could not be told of the new image.", "未能通知引导程序切换镜像。", "Check the partition table (two slots and otadata).", "检查分区表（两个 OTA 分区与 otadata）。") \
  ROW(unhealthy, upgrade_failed, "The new image ran, but was not well within its time, and the old one runs again.", "新镜像在限期内未确认正常，已回滚。", "Find out why it does not come online: credentials, network, time.", "查明它为何未能上线：凭证、网络、时间。") \
  ROW(crashed, upgrade_failed, "The new image was ended by a fault, and the old one runs again.", "新镜像崩溃，已回滚。", "Read the crash in the board's log and correct the image.", "从设备日志查崩溃原因并修正。") \
  ROW(interrupted, upgrade_failed, "The new image lost its supply too often before it was well.", "新镜像在确认正常前多次断电。", "Look at the board's supply, then start the job again.", "检查设备供电，再重新升级。")

/// What a progress report says of a failure (device-protocol 7.3): name, number, cause and remedy.
#define TERCET_OTA_STEPS(ROW) \
  ROW(upgrade_failed, -1, "The update failed in another way than the three below.", "升级失败，且不属于以下三种。", "The description of the progress names the fault: look that up.", "进度描述中有具体原因，请按该代码查询。") \
  ROW(download_failed, -2, "The file could not be downloaded.", "下载失败。", "Check the way from the board to the port for files.", "检查设备到文件端口的网络。") \
  ROW(verify_failed, -3, "The file was downloaded, and its digest or signature is not right.", "文件校验失败。", "Upload the image again, signed with the right key.", "重新上传用正确密钥签名的镜像。") \
  ROW(flash_failed, -4, "The file could not be written into flash.", "写入闪存失败。", "Look at the board's partition table and log.", "检查设备分区表与日志。")
// clang-format on

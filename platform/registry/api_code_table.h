#pragma once
// clang-format off
/// The codes of the management API and of the console, once: code, cause and remedy in English and Chinese. ApiCode takes no
/// other, and the error book (docs/errors.md) is made of it. A name that ends in * is a family: Missing*, MissingDeviceName.
#define TERCET_API_CODES(ROW) \
  ROW("iot.system.SystemException", "The platform failed, most often its disk, or is busy.", "平台出错（多为磁盘）或繁忙。", "Repeat the call after a pause; the server's log says why.", "稍后重试；原因见服务器日志。") \
  ROW("iot.common.InvalidPageParams", "A page number or size is out of its range.", "页码或每页数量超出范围。", "Count pages from 1 and keep to the size that the message names.", "页码从 1 开始，每页数量不超过提示的上限。") \
  ROW("iot.prod.NullProductKey", "The call names no product.", "没有指定产品。", "Give ProductKey.", "填写 ProductKey。") \
  ROW("iot.prod.NotExistedProduct", "There is no product with this ProductKey.", "没有这个 ProductKey 的产品。", "Take the key from QueryProductList or tercet product list.", "用 QueryProductList 或 tercet product list 查到正确的 ProductKey。") \
  ROW("iot.prod.NullProductName", "The product has no name.", "没有产品名称。", "Give ProductName.", "填写 ProductName。") \
  ROW("iot.prod.InvalidFormattedProductName", "The name has a wrong length or characters that are not allowed.", "产品名称长度或字符不符。", "Use 4 to 30 letters, digits and _ - @ . ( ); a Chinese character counts 2.", "使用 4 到 30 个字母、数字及 _ - @ . ( )，汉字计 2。") \
  ROW("iot.prod.AlreadyExistedProductName", "Another product has this name.", "已有同名产品。", "Choose another name.", "换一个名称。") \
  ROW("iot.prod.LongProductDesc", "The description is too long.", "产品描述过长。", "Use at most 100 characters.", "不超过 100 个字符。") \
  ROW("iot.prod.InvalidNodeType", "NodeType is none of the known ones.", "NodeType 取值不对。", "Give 0 for devices, 1 for gateways.", "设备填 0，网关填 1。") \
  ROW("iot.prod.InvalidAliyunCommodityCode", "AliyunCommodityCode is none of the known ones.", "AliyunCommodityCode 取值不对。", "Give iothub_senior (with a thing model) or iothub.", "填 iothub_senior（含物模型）或 iothub。") \
  ROW("iot.prod.InvalidFormattedProductkey", "A ProductKey chosen by the caller has a wrong form.", "自定的 ProductKey 格式不对。", "Use 1 to 20 letters and digits.", "使用 1 到 20 个字母和数字。") \
  ROW("iot.prod.CreateProductFailed", "The product was not made; the message names the member that does not fit.", "产品创建失败，提示中写明了不符的参数。", "Correct that member.", "更正该参数。") \
  ROW("iot.prod.UpdateProductFailed", "The product cannot be changed in this way.", "产品不能这样修改。", "Read the message: what depends on the old value must change first.", "按提示先处理依赖旧值的内容。") \
  ROW("iot.prod.DeleteProductFailed", "The product still has devices, or is in use.", "产品下仍有设备或正在使用。", "Delete its devices first.", "先删除其设备。") \
  ROW("iot.prod.ProductCountExceedMax", "The limit of products is reached.", "产品数量已达上限。", "Delete products, or raise the limit in the configuration.", "删除产品，或在配置中提高上限。") \
  ROW("iot.prod.NotExistedTopic", "There is no topic class of this number.", "没有这个编号的 Topic 类。", "List the classes with QueryProductTopic.", "用 QueryProductTopic 列出。") \
  ROW("iot.prod.AlreadyExistedTopic", "The product has a topic class of this name.", "该产品已有同名 Topic 类。", "Change that one, or choose another name.", "修改已有的，或换名称。") \
  ROW("iot.prod.TopicCountExceedMax", "The product has as many topic classes as are allowed.", "Topic 类数量已达上限。", "Delete classes that are not used, or use a wildcard level.", "删除不用的，或使用通配层级。") \
  ROW("iot.prod.InvalidFormattedTopicShortName", "The name of a topic class has a wrong form.", "Topic 类名称格式不对。", "Use levels of letters, digits and _ separated by /; a wildcard is a level of its own.", "各层用字母、数字和 _，以 / 分隔；通配符独占一层。") \
  ROW("iot.prod.InvalidTopicOperation", "The right of a topic class is none of the known ones.", "Topic 类的权限取值不对。", "Give SUB, PUB or ALL.", "填 SUB、PUB 或 ALL。") \
  ROW("iot.prod.LongTopicDesc", "The description of a topic class is too long.", "Topic 类描述过长。", "Use at most 400 bytes.", "不超过 400 字节。") \
  ROW("iot.thing.InvalidTslModel", "The thing model cannot be read, or contradicts itself.", "物模型无法解析或自相矛盾。", "The message names the place; compare it with the guide to thing models.", "提示指出了位置；对照物模型文档更正。") \
  ROW("iot.device.NotExistedDevice", "There is no such device.", "没有这个设备。", "Check ProductKey and DeviceName, or IotId.", "检查 ProductKey 与 DeviceName，或 IotId。") \
  ROW("iot.device.NullDeviceName", "The call names no device.", "没有指定设备。", "Give IotId, or ProductKey and DeviceName.", "填写 IotId，或 ProductKey 与 DeviceName。") \
  ROW("iot.device.InvalidIoTId", "The IotId belongs to no device here.", "IotId 不对应任何设备。", "Take it from QueryDeviceDetail, or name the device by its two names.", "从 QueryDeviceDetail 取得，或改用 ProductKey 与 DeviceName。") \
  ROW("iot.device.InvalidFormattedDeviceName", "The DeviceName has a wrong length or character.", "DeviceName 长度或字符不符。", "Use 4 to 32 of letters, digits and - _ @ . :.", "使用 4 到 32 个字母、数字及 - _ @ . :。") \
  ROW("iot.device.AlreadyExistedDeviceName", "The product has a device of this name.", "产品下已有同名设备。", "Choose another name, or go on with that device.", "换名称，或使用已有设备。") \
  ROW("iot.device.CreateDeviceFailed", "The device was not made; the message names the member that does not fit.", "设备创建失败，提示中写明了不符的参数。", "Correct that member.", "更正该参数。") \
  ROW("iot.device.DeviceCountExceeded", "The limit of devices is reached.", "设备数量已达上限。", "Delete devices, or raise the limit in the configuration.", "删除设备，或在配置中提高上限。") \
  ROW("iot.device.NoneDeviceNameElement", "The batch has no name that can be used.", "批次中没有可用的名称。", "Give at least one valid DeviceName.", "至少给出一个有效的 DeviceName。") \
  ROW("iot.device.ApplyManyDevicesFailed", "The batch cannot be taken: too many names, or none that is new.", "批次无法受理：名称过多或没有新名称。", "Keep to the number that the message names.", "按提示的数量提交。") \
  ROW("iot.device.DeviceApplyIsNotFound", "There is no batch of this ApplyId.", "没有这个 ApplyId 的批次。", "Use the ApplyId that the check or the registration gave.", "使用校验或注册时返回的 ApplyId。") \
  ROW("iot.device.InvalidFormattedApplyId", "ApplyId is no number above 0.", "ApplyId 不是正整数。", "Use the ApplyId that the check or the registration gave.", "使用校验或注册时返回的 ApplyId。") \
  ROW("iot.device.CreateDeviceTaskIsRunning", "The devices of this batch have been made, or are being made.", "该批次已在创建或已创建。", "Ask QueryBatchRegisterDeviceStatus instead of repeating.", "用 QueryBatchRegisterDeviceStatus 查询，不要重复提交。") \
  ROW("iot.device.TooManyDevices", "The call names too many devices.", "一次指定的设备过多。", "Split the call; the message names the most.", "拆成多次调用，上限见提示。") \
  ROW("iot.device.SetDevicePropertyFailed", "The property was not sent, or the device did not take it.", "属性未能下发，或设备未接受。", "Check that the device is online and the value fits the thing model; for a device that sleeps use desired values.", "确认设备在线且值符合物模型；休眠设备请用期望属性值。") \
  ROW("iot.device.InvokeThingServiceFailed", "The service was not called, or the device answered with an error.", "服务未调用成功，或设备返回错误。", "Check that the device is online; the message has the device's code.", "确认设备在线；提示中有设备返回的代码。") \
  ROW("iot.device.InvalidFormattedDevicePropertiesString", "Items or Args is no JSON object that fits the thing model.", "Items 或 Args 不是符合物模型的 JSON 对象。", "Send one JSON object: identifiers and values.", "发送一个 JSON 对象：标识符与值。") \
  ROW("iot.device.TooManyDevicePropertiesPerTime", "One call names too many properties.", "一次调用的属性过多。", "Split the call.", "拆成多次调用。") \
  ROW("iot.device.LongDevicePropertiesString", "The text of the tags is too long.", "标签内容过长。", "Split the call.", "拆成多次调用。") \
  ROW("iot.device.NoneDeviceProperties", "The call carries no tag.", "没有给出标签。", "Give Props as a JSON object with one member at least.", "Props 至少含一个成员。") \
  ROW("iot.device.NullDevicePropertyKey", "No key of a tag is named.", "没有标签的键。", "Give PropKey.", "填写 PropKey。") \
  ROW("iot.device.InvalidFormattedDevicePropertyKey", "The key of a tag has a wrong form.", "标签的键格式不对。", "Use letters, digits and the signs that the message names.", "只使用字母、数字及提示中的符号。") \
  ROW("iot.device.SaveOrUpdateDevicePropertiesFailed", "A tag cannot be kept: its value does not fit, or there are too many.", "标签无法保存：值不符或数量过多。", "The message names which; delete tags that are not needed.", "提示指出是哪个；删除不用的标签。") \
  ROW("iot.device.DeleteDevicePropertyFailed", "The device has no tag of this key.", "设备没有这个键的标签。", "List them with QueryDeviceProp.", "用 QueryDeviceProp 查看。") \
  ROW("iot.device.InvalidTimeBucket", "StartTime and EndTime are no span.", "StartTime 与 EndTime 不构成时间段。", "Give both as milliseconds since 1970.", "两者都填 1970 年以来的毫秒数。") \
  ROW("iot.device.QueryDeviceAttrDataHistoryFailed", "The history of properties could not be read.", "属性历史读取失败。", "Repeat the call; the server's log says why.", "重试；原因见服务器日志。") \
  ROW("iot.device.QueryDeviceEventHistoryFailed", "The history of events could not be read.", "事件历史读取失败。", "Repeat the call; the server's log says why.", "重试；原因见服务器日志。") \
  ROW("iot.device.QueryDeviceServiceHistoryFailed", "The history of services could not be read.", "服务调用历史读取失败。", "Repeat the call; the server's log says why.", "重试；原因见服务器日志。") \
  ROW("iot.device.AddTopoRelationFailed", "The sub-device cannot be put under this gateway.", "无法把子设备加到该网关下。", "The message names why: no gateway, itself, or bound to another one.", "提示写明原因：不是网关、是自身或已绑定别的网关。") \
  ROW("iot.device.RemoveTopoRelationFailed", "The device is under no gateway.", "该设备不在任何网关下。", "Look at the topology first.", "先查询拓扑关系。") \
  ROW("iot.device.QueryTopoRelationFailed", "The topology could not be shown for this device.", "无法查询该设备的拓扑关系。", "Name a gateway, and a page that exists.", "指定网关设备与有效页码。") \
  ROW("iot.device.TopoRelationCountExceeded", "The gateway has as many sub-devices as are allowed.", "网关的子设备已达上限。", "Remove some, or use another gateway.", "移除一些，或换网关。") \
  ROW("iot.group.NullGroupId", "No group is named.", "没有指定分组。", "Give GroupId.", "填写 GroupId。") \
  ROW("iot.group.NotExistedGroup", "There is no such group.", "没有这个分组。", "List them with QueryDeviceGroupList.", "用 QueryDeviceGroupList 查看。") \
  ROW("iot.group.InvalidGroupName", "The group's name has a wrong length or character.", "分组名称长度或字符不符。", "Use 4 to 30 letters, digits and _ - ( ) @ .; a Chinese character counts 2.", "使用 4 到 30 个字母、数字及 _ - ( ) @ .，汉字计 2。") \
  ROW("iot.group.GroupNameExisted", "Another group has this name.", "已有同名分组。", "Choose another name.", "换一个名称。") \
  ROW("iot.group.LongGroupDesc", "The group's description is too long.", "分组描述过长。", "Use at most 400 bytes.", "不超过 400 字节。") \
  ROW("iot.group.GroupLevelExceedingLimitError", "The group would be deeper than groups may be.", "分组层级过深。", "Use at most three levels.", "最多三级。") \
  ROW("iot.group.GroupCountExceedMax", "There are as many groups as are allowed.", "分组数量已达上限。", "Delete groups that are not used.", "删除不用的分组。") \
  ROW("iot.group.SubGroupNotNull", "The group has groups below it.", "该分组下还有子分组。", "Delete those first.", "先删除子分组。") \
  ROW("iot.group.BindGroupRelationFailed", "A device cannot be put into the group.", "设备无法加入该分组。", "The message names the device and why.", "提示写明了设备与原因。") \
  ROW("iot.group.InvalidFormattedTagString", "The text of the tags is no list of keys and values.", "标签格式不对。", "Send a JSON array of tagKey and tagValue.", "发送 tagKey、tagValue 的 JSON 数组。") \
  ROW("iot.group.TagCountExceedMax", "The group has as many tags as are allowed.", "分组标签已达上限。", "Delete tags that are not used.", "删除不用的标签。") \
  ROW("iot.messagebroker.OFFLINE", "The device is offline, so nothing was sent.", "设备离线，未发送。", "Wait for it, or use desired values or the shadow.", "等设备上线，或使用期望值、设备影子。") \
  ROW("iot.messagebroker.TIMEOUT", "The device was asked and did not answer in time.", "设备未在限时内应答。", "Check that it listens to the topic; give a longer Timeout.", "确认设备订阅了该 Topic；加大 Timeout。") \
  ROW("iot.messagebroker.RrpcFailed", "The call was not sent to the device.", "调用未能发送到设备。", "The message says why; repeat it later.", "原因见提示；稍后重试。") \
  ROW("iot.messagebroker.PublishMessageFailed", "The message was not published: the topic does not allow it, or it is too large.", "消息未发布：Topic 不允许或消息过大。", "The message names which rule stands against it.", "提示写明了违反的规则。") \
  ROW("iot.messagebroker.InvalidFormattedTopicName", "The topic has a wrong form for this call.", "Topic 格式不符合该接口。", "Begin with / and name levels without wildcards.", "以 / 开头，不含通配符。") \
  ROW("iot.messagebroker.MessageContentIsNotBase64Encode", "The content is not base64.", "内容不是 base64。", "Encode the bytes with standard base64.", "用标准 base64 编码。") \
  ROW("iot.messagebroker.InvalidTimeoutValue", "Timeout is out of its range.", "Timeout 超出范围。", "Give 1000 to 8000 milliseconds.", "填 1000 到 8000 毫秒。") \
  ROW("iot.messagebroker.IncorrectSysTopic", "The source of the rule is no system topic that rules can read.", "规则的来源不是可用的系统 Topic。", "Take one from the list in the guide to rules.", "从规则文档的列表中选取。") \
  ROW("iot.messagebroker.IncorrectRuleSql", "The SQL of the rule cannot be read.", "规则的 SQL 无法解析。", "The message names the place; try it with tercet rule test.", "提示指出了位置；可用 tercet rule test 试运行。") \
  ROW("iot.messagebroker.ShadowMessageIsNotJson", "The shadow message is no JSON object.", "影子消息不是 JSON 对象。", "Send method, state and version in one object.", "在一个对象里发送 method、state、version。") \
  ROW("iot.messagebroker.ShadowMessageLengthIsLarge", "The shadow message is too large.", "影子消息过大。", "Keep it under 16 KB.", "不超过 16 KB。") \
  ROW("iot.messagebroker.NotFoundMethodInShadowMessage", "The shadow message has no method.", "影子消息没有 method。", "Add \"method\":\"update\".", "加上 \"method\":\"update\"。") \
  ROW("iot.messagebroker.MethodValueIsNotUpdate", "An application can only update a shadow.", "应用只能 update 影子。", "Send \"method\":\"update\"; read with GetDeviceShadow.", "使用 \"method\":\"update\"；读取用 GetDeviceShadow。") \
  ROW("iot.messagebroker.NotFoundStateInShadowMessage", "The shadow message has no state.", "影子消息没有 state。", "Put the values into state.desired.", "把值放进 state.desired。") \
  ROW("iot.messagebroker.NotFoundVersionOrNullVersionValue", "The shadow message has no version.", "影子消息没有 version。", "Send the version of the document plus one, or -1.", "发送当前版本加一，或 -1。") \
  ROW("iot.messagebroker.InvalidVersionValueInShadowMessage", "The version is not above the stored one.", "version 不大于已保存的版本。", "Read the shadow and use its version plus one.", "读取影子后用其版本加一。") \
  ROW("iot.messagebroker.TooManyElementInDesire", "The document would have too many attributes.", "期望属性过多。", "Delete attributes that are not used.", "删除不用的属性。") \
  ROW("iot.messagebroker.UpdateDeviceShadowMessageFailed", "The shadow was not changed.", "影子未更新。", "The message says why; correct it and send again.", "按提示更正后重发。") \
  ROW("iot.rule.NotFoundRule", "There is no rule of this number.", "没有这个编号的规则。", "List them with ListRule.", "用 ListRule 查看。") \
  ROW("iot.rule.InvalidRuleName", "The rule's name has a wrong length or character.", "规则名称长度或字符不符。", "Use 1 to 30 letters, digits, _ and -.", "使用 1 到 30 个字母、数字、_ 和 -。") \
  ROW("iot.rule.InvalidRuleDesc", "The rule's description is too long.", "规则描述过长。", "Use at most 1000 bytes.", "不超过 1000 字节。") \
  ROW("iot.rule.RuleNameIsAlreadyExisted", "Another rule has this name.", "已有同名规则。", "Choose another name.", "换一个名称。") \
  ROW("iot.rule.RuleCountExceedMax", "There are as many rules as are allowed.", "规则数量已达上限。", "Delete rules that are not used.", "删除不用的规则。") \
  ROW("iot.rule.NullSqlForRule", "The SQL of the rule lacks its source, or is changed while the rule runs.", "规则的 SQL 缺少数据来源，或在运行中被修改。", "Give ProductKey, TopicType and ShortTopic; stop a rule that runs before its SQL is changed.", "填写 ProductKey、TopicType 与 ShortTopic；修改运行中规则的 SQL 前先停止它。") \
  ROW("iot.rule.NullForwardDestForRule", "The rule has no action.", "规则没有转发目的地。", "Add one with CreateRuleAction before it is started.", "启动前用 CreateRuleAction 添加。") \
  ROW("iot.rule.IncorrectTopicType", "TopicType is none of the known ones.", "TopicType 取值不对。", "Give 0 (system), 1 (custom) or 2 (states).", "填 0（系统）、1（自定义）或 2（状态）。") \
  ROW("iot.rule.IncorrectDataType", "DataType is none of the known ones.", "DataType 取值不对。", "Give JSON or BINARY.", "填 JSON 或 BINARY。") \
  ROW("iot.rule.StopRuleFailed", "The rule is not running.", "规则未在运行。", "Look at its Status first.", "先查看其 Status。") \
  ROW("iot.rule.DeleteRuleFailed", "A running rule cannot be deleted.", "运行中的规则不能删除。", "Stop it first (StopRule).", "先用 StopRule 停止。") \
  ROW("iot.rule.NotFoundRuleAction", "There is no rule action of this number.", "没有这个编号的规则动作。", "List them with ListRuleActions.", "用 ListRuleActions 查看。") \
  ROW("iot.rule.TooManyRuleAction", "The rule has as many actions as are allowed.", "规则动作已达上限。", "Delete one, or make a second rule.", "删除一个，或另建规则。") \
  ROW("iot.rule.RuleActionIsAlreadyCreated", "The rule has this action already.", "规则已有该动作。", "Change the one that is there.", "修改已有的动作。") \
  ROW("iot.rule.ParseRuleActionConfigError", "The configuration of the action cannot be read.", "规则动作的配置无法解析。", "The message names the member; compare it with the guide to rules.", "提示指出了参数；对照规则文档更正。") \
  ROW("iot.ruleng.RuleAlreadyIsStarted", "The rule is running.", "规则已在运行。", "Stop it before it is changed.", "修改前先停止。") \
  ROW("iot.consumergroup.NotExistedGroup", "There is no such consumer group.", "没有这个消费组。", "List them with QueryConsumerGroupList.", "用 QueryConsumerGroupList 查看。") \
  ROW("iot.consumergroup.InvalidGroupName", "The consumer group's name has a wrong length or character.", "消费组名称长度或字符不符。", "Keep to the form that the message names.", "按提示的格式填写。") \
  ROW("iot.consumergroup.GroupNameExisted", "Another consumer group has this name.", "已有同名消费组。", "Choose another name.", "换一个名称。") \
  ROW("iot.consumergroup.GroupCountExceedMax", "There are as many consumer groups as are allowed.", "消费组数量已达上限。", "Delete groups that are not used.", "删除不用的消费组。") \
  ROW("iot.consumergroup.DefaultGroupCannotBeDeleted", "The default consumer group stays.", "默认消费组不能删除。", "Delete another one, or leave it unused.", "删除其他消费组，或不使用它。") \
  ROW("iot.consumergroup.GroupHasSubscribeRelation", "The consumer group still serves a subscription.", "消费组仍有订阅关系。", "Delete the subscription, or take the group out of it, first.", "先删除订阅，或把该组移出订阅。") \
  ROW("iot.subscribe.NotExistedRelation", "The product has no such subscription.", "产品没有该订阅。", "Make one with CreateSubscribeRelation.", "用 CreateSubscribeRelation 创建。") \
  ROW("iot.subscribe.NoMessageType", "The subscription names no kind of message.", "订阅没有选择消息类型。", "Switch one of its flags on.", "至少开启一种消息类型。") \
  ROW("iot.subscribe.InvalidConsumerGroups", "The consumer groups of the subscription do not fit.", "订阅的消费组不符合要求。", "The message names the group and why.", "提示写明了消费组与原因。") \
  ROW("iot.subscribe.RelationAlreadyExisted", "The product has a subscription.", "产品已有订阅。", "Change it with UpdateSubscribeRelation.", "用 UpdateSubscribeRelation 修改。") \
  ROW("iot.subscribe.UnsupportedType", "The type of subscription is not offered.", "不支持该订阅类型。", "Use AMQP.", "使用 AMQP。") \
  ROW("tercet.subscription.NotOffered", "This platform was started without server-side subscription.", "本平台未开启服务端订阅。", "Switch it on in the configuration.", "在配置中开启。") \
  ROW("tercet.rule.NotOffered", "This platform was started without rules.", "本平台启动时未开启规则。", "Switch rules on in the configuration.", "在配置中开启规则。") \
  ROW("tercet.rule.NotRunning", "Dead letters are sent while their rule runs, and it does not.", "死信只能在规则运行时重发，而规则未运行。", "Start the rule, then send them again.", "先启动规则再重发。") \
  ROW("tercet.rule.InvalidAlarm", "The alarm of the rule does not fit.", "规则的告警设置不对。", "The message names the member.", "提示指出了参数。") \
  ROW("tercet.rule.TooManyDevices", "The trial would touch every device of a product that has many.", "试运行会涉及产品下的众多设备。", "Name one device.", "指定一个设备。") \
  ROW("tercet.register.TooManyTokens", "A name may have a few boards with tokens, and has as many.", "该名称下的免预注册令牌已达上限。", "Delete tokens of boards that are gone (tercet device tokens).", "用 tercet device tokens 删除不再使用的令牌。") \
  ROW("tercet.register.DeviceActive", "The device is active, or disabled, and may not register.", "设备已激活或被禁用，不能注册。", "Reset its registration, or use the secret that it has.", "重置注册，或使用已有密钥。") \
  ROW("tercet.register.SwitchedOff", "The product does not allow dynamic registration.", "产品未开启动态注册。", "Switch it on for the product.", "在产品上开启。") \
  ROW("tercet.register.NotExistedClientId", "The device has no token for this client id.", "设备没有这个 clientId 的令牌。", "List them with tercet device tokens.", "用 tercet device tokens 查看。") \
  ROW("tercet.rotation.Running", "A rotation of the secret is under way.", "密钥轮换正在进行。", "End it first.", "先结束当前轮换。") \
  ROW("tercet.rotation.NotRunning", "No rotation of the secret is under way.", "没有进行中的密钥轮换。", "Begin one with tercet device rotate-secret.", "用 tercet device rotate-secret 开始。") \
  ROW("tercet.rotation.InvalidOverlap", "The time in which both secrets are good is out of its range.", "新旧密钥并存的时间超出范围。", "Keep to the range that the message names.", "按提示的范围填写。") \
  ROW("tercet.certificate.Malformed", "The text is no certificate in PEM.", "文本不是 PEM 格式的证书。", "Send one that begins with -----BEGIN CERTIFICATE-----.", "发送以 -----BEGIN CERTIFICATE----- 开头的证书。") \
  ROW("tercet.certificate.ProductUsesSecrets", "The product's devices log in with secrets, not with certificates.", "该产品的设备使用密钥而非证书登录。", "Make a product with AuthType x509 (tercet product create NAME --x509).", "创建 AuthType 为 x509 的产品（tercet product create NAME --x509）。") \
  ROW("tercet.certificate.AlreadyBound", "This certificate is, or was, some device's.", "该证书已绑定或曾绑定到某设备。", "Make a new one; a certificate that was revoked does not come back.", "签发新证书；已吊销的证书不能恢复。") \
  ROW("tercet.certificate.Expired", "The certificate has expired.", "证书已过期。", "Make a new one, and look at the server's clock.", "签发新证书，并检查服务器时钟。") \
  ROW("tercet.certificate.TooMany", "The device has as many certificates as are allowed, revoked ones too.", "设备的证书数量（含已吊销）已达上限。", "Delete the device and register it anew.", "删除设备后重新注册。") \
  ROW("tercet.certificate.NotExisted", "The device has no such certificate in force.", "设备没有此有效证书。", "List them with tercet cert list.", "用 tercet cert list 查看。") \
  ROW("tercet.certificate.NoRegistration", "The product's devices log in with certificates: there is no secret to register for.", "该产品的设备使用证书登录，没有可供注册的密钥。", "Use a product with secrets for dynamic registration.", "动态注册请使用密钥认证的产品。") \
  ROW("tercet.certificate.NoAuthorityCertificate", "The certificate is not one of an authority.", "该证书不是 CA 证书。", "Upload the certificate that signs the devices' ones; it has basicConstraints CA:TRUE.", "上传用于签发设备证书的 CA 证书（basicConstraints 为 CA:TRUE）。") \
  ROW("tercet.certificate.AuthorityExisted", "This authority was uploaded before.", "该 CA 已上传过。", "Bind devices to it with tercet cert bind PK DN --serial NUMBER.", "用 tercet cert bind PK DN --serial NUMBER 绑定设备。") \
  ROW("tercet.certificate.TooManyAuthorities", "There are as many authorities as are allowed.", "CA 数量已达上限。", "Delete one that is not used (tercet ca list, tercet ca delete).", "删除不用的 CA（tercet ca list、tercet ca delete）。") \
  ROW("tercet.certificate.NotExistedAuthority", "No authority, or more than one, fits what the call names.", "没有匹配的 CA，或匹配不止一个。", "Take the SHA-256 from tercet ca list; its first eight digits do.", "用 tercet ca list 查看 SHA-256，填写前八位即可。") \
  ROW("tercet.certificate.BadSerial", "The serial number is no hexadecimal number of 1 to 20 bytes.", "序列号不是 1 到 20 字节的十六进制数。", "Take it from openssl x509 -noout -serial -in FILE.", "用 openssl x509 -noout -serial -in FILE 查看。") \
  ROW("tercet.certificate.NoAuthority", "No certificates are made here.", "此处不签发证书。", "Make one yourself and bind it with BindDeviceCert.", "自行签发后用 BindDeviceCert 绑定。") \
  ROW("tercet.config.NotExistedConfiguration", "The product has no such configuration.", "产品没有该配置。", "Set one with tercet config set.", "用 tercet config set 设置。") \
  ROW("tercet.config.EmptyContent", "The configuration is empty.", "配置为空。", "Send a JSON object.", "发送 JSON 对象。") \
  ROW("tercet.config.ContentTooLong", "The configuration is larger than 64 KB.", "配置超过 64 KB。", "Make it smaller.", "减小内容。") \
  ROW("tercet.config.ContentNotJson", "The configuration is not JSON.", "配置不是 JSON。", "The message names the place.", "提示指出了位置。") \
  ROW("tercet.config.FilesNotOffered", "Configurations are files, and the platform has no port for files.", "平台没有配置文件端口。", "Set [files] in the configuration of tercet serve and restart it.", "在 tercet serve 的配置中设置 [files] 并重启。") \
  ROW("tercet.script.Empty", "The script is empty.", "脚本为空。", "Send the text of the script.", "发送脚本内容。") \
  ROW("tercet.script.TooLong", "The script is too long.", "脚本过长。", "Keep to the size that the message names.", "按提示的大小精简。") \
  ROW("tercet.script.NotJavaScript", "The script does not compile.", "脚本有语法错误。", "The message has line and reason.", "提示中有行号与原因。") \
  ROW("tercet.script.NotExisted", "The product has no script.", "产品没有脚本。", "Save one with tercet script set.", "用 tercet script set 提交。") \
  ROW("tercet.script.NotOffered", "This platform was started without scripts.", "本平台未开启脚本。", "Switch them on in the configuration.", "在配置中开启。") \
  ROW("tercet.script.Failed", "The trial of the script ended with an error.", "脚本试运行出错。", "The message has line and reason.", "提示中有行号与原因。") \
  ROW("tercet.script.Wrong", "The script was checked, found wrong and not saved.", "脚本检查未通过，没有保存。", "The message has line and reason; try it with tercet script test.", "提示中有行号与原因；可用 tercet script test 试运行。") \
  ROW("tercet.topology.NotOffered", "This platform was started without gateways.", "本平台未开启网关功能。", "Switch them on in the configuration.", "在配置中开启。") \
  ROW("tercet.property.GetFailed", "The device was not asked, or answered with an error.", "未能向设备查询，或设备返回错误。", "Check that it is online and answers property gets.", "确认设备在线并支持属性查询。") \
  ROW("tercet.desired.VersionConflict", "The desired value was changed by somebody else.", "期望值已被他人修改。", "Read it and repeat with its version.", "读取后用其版本重试。") \
  ROW("tercet.device.QueryLocalLogFailed", "The logs of the device could not be read.", "设备日志读取失败。", "Repeat the call; the server's log says why.", "重试；原因见服务器日志。") \
  ROW("tercet.device.QueryNetworkStatusFailed", "The states of the network could not be read.", "网络状态读取失败。", "Repeat the call; the server's log says why.", "重试；原因见服务器日志。") \
  ROW("tercet.job.InvalidParameter", "A parameter of the job does not fit.", "任务参数不对。", "The message names it and its range.", "提示写明了参数与范围。") \
  ROW("tercet.job.InvalidDocument", "JobDocument is not what the type of the job needs.", "JobDocument 与任务类型不符。", "CUSTOM_JOB: any JSON object. SET_PROPERTY: params. INVOKE_SERVICE: serviceIdentifier and params.", "CUSTOM_JOB 填任意 JSON 对象；SET_PROPERTY 填 params；INVOKE_SERVICE 填 serviceIdentifier 和 params。") \
  ROW("tercet.job.FilesNotOffered", "The job has an uploaded file, and the platform has no port for files.", "任务带有已上传的文件，而平台没有文件端口。", "Set [files] in the configuration of tercet serve and restart it, or give JobFile.fileUrl.", "在 tercet serve 的配置中设置 [files] 并重启，或填写 JobFile.fileUrl。") \
  ROW("tercet.job.WrongSign", "The uploaded file has another digest than JobFile.sign says.", "上传的文件摘要与 JobFile.sign 不符。", "Compute the digest of the very file that is sent, and upload it again.", "对实际发送的文件计算摘要，并重新上传。") \
  ROW("tercet.job.NotExistedJob", "There is no such job.", "没有这个任务。", "List them with ListJob.", "用 ListJob 查看。") \
  ROW("tercet.job.NotExistedTask", "There is no such task.", "没有这个作业。", "List them with ListTask.", "用 ListTask 查看。") \
  ROW("tercet.job.NoDevices", "The job reaches no device.", "任务没有目标设备。", "Name devices in TargetConfig, or put some into the group.", "在 TargetConfig 中指定设备，或向分组添加设备。") \
  ROW("tercet.job.TooManyDevices", "The job is for too many devices.", "任务的设备过多。", "Make several jobs, or target a group.", "拆成多个任务，或使用分组。") \
  ROW("tercet.job.TooManyJobs", "There are as many jobs as are kept.", "任务数量已达上限。", "Delete jobs that are over with DeleteJob.", "用 DeleteJob 删除已结束的任务。") \
  ROW("tercet.job.JobIsOver", "The job is over.", "任务已结束。", "Make a new one, or run its failed tasks again with RerunJob.", "新建任务，或用 RerunJob 重新执行失败的作业。") \
  ROW("tercet.job.NothingToRerun", "No task of the job can be run again.", "没有可重新执行的作业。", "Only tasks that failed, timed out, or were rejected or cancelled are; look with ListTask.", "只有失败、超时、被拒绝或已取消的作业可以重新执行，用 ListTask 查看。") \
  ROW("tercet.file.NotExisted", "The device has no such file.", "设备没有这个文件。", "List them with QueryDeviceFileList or tercet file list.", "用 QueryDeviceFileList 或 tercet file list 查看。") \
  ROW("tercet.file.NotOffered", "The platform has no port for files.", "平台没有文件端口。", "Set [files] in the configuration of tercet serve and restart it.", "在 tercet serve 的配置中设置 [files] 并重启。") \
  ROW("tercet.ota.InvalidParameter", "A parameter of the update does not fit.", "升级参数不对。", "The message names it and its range.", "提示写明了参数与范围。") \
  ROW("tercet.ota.NotExistedFirmware", "There is no such firmware.", "没有这个升级包。", "List them with ListOTAFirmware.", "用 ListOTAFirmware 查看。") \
  ROW("tercet.ota.NotExistedModule", "The product has no such module.", "产品没有这个模块。", "List them with ListOTAModuleByProduct.", "用 ListOTAModuleByProduct 查看。") \
  ROW("tercet.ota.NotExistedJob", "There is no such job.", "没有这个升级批次。", "List them with ListOTAJobByFirmware.", "用 ListOTAJobByFirmware 查看。") \
  ROW("tercet.ota.NotExistedTask", "There is no such task.", "没有这个升级任务。", "List them with ListOTATaskByJob.", "用 ListOTATaskByJob 查看。") \
  ROW("tercet.ota.NotExistedUpload", "There is no upload of this key.", "没有这个上传。", "Begin with GenerateOTAUploadURL.", "先用 GenerateOTAUploadURL 取得地址。") \
  ROW("tercet.ota.UploadRefused", "The form of the upload is not signed as it should be, or has several files.", "上传表单签名不对，或含多个文件。", "Send the fields of GenerateOTAUploadURL unchanged, and one file.", "原样发送 GenerateOTAUploadURL 的字段与一个文件。") \
  ROW("tercet.ota.UploadFailed", "The upload could not be kept.", "上传未能保存。", "Check the disk of the server and its limits.", "检查服务器磁盘与上限。") \
  ROW("tercet.ota.UploadExpired", "The address for the upload is too old.", "上传地址已过期。", "Ask for a new one.", "重新获取。") \
  ROW("tercet.ota.WrongSize", "The file has another size than was said.", "文件大小与声明不符。", "Upload it again.", "重新上传。") \
  ROW("tercet.ota.WrongSign", "The file has another digest than was said.", "文件摘要与声明不符。", "Compute the digest of the very file that is sent.", "对实际发送的文件计算摘要。") \
  ROW("tercet.ota.InvalidSignMethod", "The method of the digest is none of the known ones.", "摘要算法取值不对。", "Give MD5 or SHA256.", "填 MD5 或 SHA256。") \
  ROW("tercet.ota.InvalidSignature", "The signature of the image is not base64 or too long.", "镜像签名不是 base64 或过长。", "Send it as the signing tool prints it.", "按签名工具的输出发送。") \
  ROW("tercet.ota.InvalidVersion", "The version has a wrong form.", "版本号格式不对。", "Keep to the form that the message names.", "按提示的格式填写。") \
  ROW("tercet.ota.AlreadyExistedVersion", "The module has a firmware of this version.", "该模块已有此版本。", "Raise the version.", "提高版本号。") \
  ROW("tercet.ota.InvalidFirmwareName", "The firmware's name is empty or too long.", "升级包名称为空或过长。", "Use a name of 1 to 256 bytes.", "名称为 1 到 256 字节。") \
  ROW("tercet.ota.InvalidFileSuffix", "Files of this kind are not taken.", "不支持该类型的文件。", "Use one of the suffixes that the message lists.", "使用提示中列出的后缀。") \
  ROW("tercet.ota.OneFileOnly", "A firmware of several files was sent.", "提交了多个文件。", "Pack several files into an archive.", "把多个文件打成一个包。") \
  ROW("tercet.ota.TooManyFirmwares", "There are as many firmwares as are allowed.", "升级包数量已达上限。", "Delete those that are not used.", "删除不用的。") \
  ROW("tercet.ota.FirmwareInUse", "The firmware has jobs that are not over.", "升级包有未结束的批次。", "Cancel them first.", "先取消这些批次。") \
  ROW("tercet.ota.InvalidModuleName", "The module's name has a wrong form.", "模块名称格式不对。", "Use 1 to 64 letters, digits, . - and _.", "使用 1 到 64 个字母、数字、.、- 和 _。") \
  ROW("tercet.ota.AlreadyExistedModule", "The product has a module of this name.", "产品已有同名模块。", "Use that one.", "使用已有模块。") \
  ROW("tercet.ota.TooManyModules", "The product has as many modules as are allowed.", "模块数量已达上限。", "Delete those that are not used.", "删除不用的。") \
  ROW("tercet.ota.ModuleInUse", "The module has firmwares.", "模块下有升级包。", "Delete them first.", "先删除升级包。") \
  ROW("tercet.ota.NotVerified", "The firmware has not been tried on a device yet.", "升级包尚未验证。", "Run a verification job first.", "先做验证升级。") \
  ROW("tercet.ota.DynamicJobExists", "The firmware has a dynamic job that runs.", "该升级包已有运行中的动态批次。", "End it first, or wait until it has ended.", "先结束它，或等它结束。") \
  ROW("tercet.ota.NotDynamic", "The job is not a dynamic one.", "该批次不是动态升级。", "Use CancelOTATaskByJob for it.", "改用 CancelOTATaskByJob。") \
  ROW("tercet.ota.NoDevices", "The job reaches no device.", "批次没有目标设备。", "Check source versions, group and list.", "检查待升级版本、分组与设备列表。") \
  ROW("tercet.ota.TooManyDevices", "The job names too many devices.", "指定的设备过多。", "Split the list, or use a group.", "拆分列表，或使用分组。") \
  ROW("tercet.ota.JobIsOver", "The job is over.", "批次已结束。", "Make a new one.", "新建批次。") \
  ROW("tercet.ota.NothingToCancel", "No task is in a state that can be cancelled.", "没有可取消的任务。", "Look at the states with ListOTATaskByJob.", "用 ListOTATaskByJob 查看状态。") \
  ROW("tercet.ota.LongUdi", "The data of the user's own are too long.", "自定义信息过长。", "Keep Udi within 4096 bytes.", "Udi 不超过 4096 字节。") \
  ROW("tercet.ota.FilesNotOffered", "The platform has no port for files.", "平台没有文件端口。", "Set [files] in the configuration of tercet serve and restart it.", "在 tercet serve 的配置中设置 [files] 并重启。") \
  ROW("IncompleteSignature", "The request lacks a part of its signature.", "请求签名不完整。", "Use an official SDK, or send every header that the message names.", "使用官方 SDK，或补全提示中的请求头。") \
  ROW("SignatureDoesNotMatch", "The signature is not the one that the secret gives.", "签名不匹配。", "Compare the text to sign in the message with yours; check the AccessKeySecret.", "将提示中的待签名文本与自己的比较；检查 AccessKeySecret。") \
  ROW("SignatureNonceUsed", "The nonce was used before.", "随机数已使用过。", "Take a new one for each request, repeats too.", "每次请求（含重试）都用新随机数。") \
  ROW("InvalidSignatureNonce", "The nonce is missing or too long.", "随机数缺失或过长。", "Send a random text such as a UUID.", "发送 UUID 之类的随机文本。") \
  ROW("InvalidSignatureMethod", "The algorithm of the signature is not offered.", "签名算法不支持。", "Use HMAC-SHA1 (version 1) or ACS3-HMAC-SHA256 (version 3).", "V1 用 HMAC-SHA1，V3 用 ACS3-HMAC-SHA256。") \
  ROW("UnsupportedSignatureType", "The version of the signature is not offered.", "签名版本不支持。", "Use SignatureVersion 1.0 or ACS3-HMAC-SHA256.", "使用 SignatureVersion 1.0 或 ACS3-HMAC-SHA256。") \
  ROW("InvalidTimeStamp.Format", "The time of the request cannot be read.", "请求时间格式不对。", "Write it as 2026-01-31T12:00:00Z, in UTC.", "按 2026-01-31T12:00:00Z 书写，用 UTC。") \
  ROW("InvalidTimeStamp.Expired", "The time of the request is too far from the server's.", "请求时间与服务器相差过大。", "Set the caller's clock; it may be off by 15 minutes.", "校准调用方时钟，误差不超过 15 分钟。") \
  ROW("InvalidAccessKeyId.NotFound", "There is no such access key.", "没有这个 AccessKey。", "Use an access key of this platform, not one of the cloud.", "使用本平台的 AccessKey，而不是云端的。") \
  ROW("InvalidAccessKeyId.Inactive", "The access key is disabled.", "AccessKey 已停用。", "Enable it, or use another.", "启用它或换一个。") \
  ROW("InvalidParameter.Body", "The body cannot be read as parameters.", "请求正文无法解析为参数。", "Send a form, or with signature version 3 a JSON object.", "发送表单；V3 签名可发送 JSON 对象。") \
  ROW("InvalidParameter.Format", "The format of the answer is none of the known ones.", "Format 取值不对。", "Give JSON or XML.", "填 JSON 或 XML。") \
  ROW("InvalidParameter.TooMany", "The request has too many parameters.", "参数过多。", "Split the call.", "拆成多次调用。") \
  ROW("InvalidVersion", "The version of the API is another one.", "API 版本不对。", "Give 2018-01-20.", "填 2018-01-20。") \
  ROW("InvalidApi.NotFound", "There is no action of this name here.", "没有这个接口。", "Compare the name with docs/openapi.md; case counts.", "对照 docs/openapi.md 检查名称，注意大小写。") \
  ROW("InvalidPassword", "The password of the console does not fit.", "控制台密码不符合要求。", "Use 8 to 256 bytes.", "使用 8 到 256 个字节。") \
  ROW("UnsupportedHTTPMethod", "The method of the request is neither GET nor POST.", "请求方法不是 GET 或 POST。", "Use POST.", "使用 POST。") \
  ROW("Throttling", "Requests come faster than the limit, or there is no more room.", "请求过快或容量已满。", "Wait and repeat; the message names the limit.", "稍后重试；上限见提示。") \
  ROW("Throttling.Api", "This action is called faster than its limit.", "该接口调用过快。", "Wait and repeat.", "稍后重试。") \
  ROW("ServiceUnavailable", "The platform is stopping or too busy to take the request.", "平台正在停止或过于繁忙。", "Repeat it after a pause.", "稍后重试。") \
  ROW("InternalError", "The platform failed.", "平台内部错误。", "The server's log says why.", "原因见服务器日志。") \
  ROW("MalformedPOSTRequest", "The form of an upload is not whole.", "上传表单不完整。", "Send multipart/form-data with all fields and one file.", "用 multipart/form-data 发送全部字段和一个文件。") \
  ROW("Forbidden", "The console refuses a request that comes from elsewhere.", "控制台拒绝来自别处的请求。", "Open the console at its own address.", "从控制台自己的地址打开。") \
  ROW("NotLoggedIn", "The console knows no login of this browser.", "浏览器未登录控制台。", "Log in first.", "先登录。") \
  ROW("NotFound", "The console has no such page.", "控制台没有该页面。", "Begin at its first page.", "从首页进入。") \
  ROW("WrongToken", "The link to the console was used, or is too old.", "控制台链接已使用或过期。", "Log in with the password.", "用密码登录。") \
  ROW("TooManyReaders", "As many pages follow this platform live as are allowed.", "实时查看的页面已达上限。", "Close pages that are not looked at.", "关闭不看的页面。") \
  ROW("TooManyTries", "Too many wrong passwords were tried.", "密码错误次数过多。", "Wait a minute.", "等待一分钟。") \
  ROW("WrongPassword", "The password of the console is wrong.", "控制台密码错误。", "Type it again; mind upper and lower case.", "重新输入，注意大小写。") \
  ROW("BadRequest", "The console was sent something it cannot read.", "控制台收到无法解析的内容。", "Reload the page.", "刷新页面。") \
  ROW("Missing*", "A parameter that the action needs is not there; its name follows.", "缺少必填参数，参数名在后。", "Give that parameter.", "填写该参数。") \
  ROW("Invalid*", "A parameter has a value out of its range; its name follows.", "参数取值不对，参数名在后。", "Give a value that the message allows.", "按提示填写。")
// clang-format on

"""The Chinese text of the report of a sweep."""

from __future__ import annotations

SWEEP_CHINESE = {
    "sweep_title": "{count} 种设置有没有差别？{experiment}",
    "sweep_title_one": "一种设置，多个种子：{experiment}",
    "sweep_subtitle": "批量实验 {sweep}，开始于 {time}（UTC）：已完成 {done} / {total} 次训练。",
    "sweep_unfinished": "批量实验尚未完成，以下结果只涵盖已完成的训练。"
    "因为看到结果而提前停止，会使 p 看起来比实际更小。",
    "sweep_diverged": "{setting}：有 {count} 次训练发散，未计入。",
    "sweep_question": "问题",
    "sweep_question_assignment": "作业中分别在使用和不使用梯度裁剪的情况下各训练一次，并由此得出裁剪有帮助的结论。"
    "换一个随机种子，结论还一样吗？",
    "sweep_question_text": "这里每次训练走 {iterations} 步，批大小为 {batch_size}；最终结果在不用于训练的 {total} "
    "{validation}上测得。",
    "sweep_answer": "回答",
    "sweep_no_answer": "只有一种设置，没有可比较的对象。",
    "sweep_all_diverged": "每次训练都发散了，因此没有可比较的对象。",
    "sweep_no_pair": "没有两种设置完成了同一个种子，因此没有可比较的对象。",
    "axis_not_clipped": "不裁剪",
    "axis_clip": "裁剪 {value}",
    "axis_head_relu": "logits 接 ReLU",
    "axis_head_linear": "logits 不接 ReLU",
    "axis_optimizer": "优化器 {value}",
    "axis_other": "{axis}为 {value}",
    "sweep_pair": "“{other}”相对于“{reference}”",
    "sweep_replacing": "以“{other}”代替“{reference}”",
    "sweep_clipping": "按 {rule} 裁剪",
    "sweep_pair_in_common": "{pair}（{common}）",
    "sweep_raises": "{subject}使{metric}提高：{figures}，{tested}{better}。",
    "sweep_lowers": "{subject}使{metric}降低：{figures}，{tested}{better}。",
    "sweep_better_on": "；{n} 个种子中有 {wins} 个更好",
    "sweep_points": " 个百分点",
    "sweep_in_points": "{metric}（百分点）",
    "sweep_solved_of": "解决任务的种子（最终{metric}{bound}）：{counts}。",
    "sweep_solved_count": "{setting}：{share}",
    "sweep_at_least": "不低于 {value}",
    "sweep_at_most": "不高于 {value}",
    "sweep_solved": "解决任务",
    "sweep_semicolon": "；",
    "sweep_none": "{subject}：没有可测出的差别：{figures}，{tested}。{needed}",
    "sweep_exploratory": "{subject}：仅供探索。{n} 个种子太少：即使全部一致，按比较的个数（{count}）校正后的 p "
    "也有 {least}；至少需要 {enough} 个种子。",
    "sweep_exploratory_many": "{number} 项比较仅供探索。{n} 个种子太少：即使全部一致，按比较的个数（{count}）校正后的 "
    "p 也有 {least}；至少需要 {enough} 个种子。",
    "sweep_exploratory_many_short": "{number} 项比较仅供探索：{n} 个种子太少，需要 {enough} 个",
    "sweep_measurable_short": "{subject}：{metric} {size}{unit}",
    "sweep_none_short": "{subject}：没有可测出的差别",
    "sweep_exploratory_short": "{subject}：仅供探索，需要 {enough} 个种子",
    "sweep_figures": "平均相差 {mean}{unit}（95 % 置信区间 {low} 至 {high}）",
    "sweep_tested": "{n} 个种子，校正后 p {p}",
    "sweep_left_out": "（另有 {count} 个种子因其中之一发散而未计入）",
    "sweep_needed_unreachable": "没有切实可行的种子数能够检出这样大小的差别。",
    "sweep_needed_more": "要以 80 % 的检验功效检出这样大小的差别，需要 {needed} 个种子，还差 {more} 个。",
    "sweep_needed_reached": "{needed} 个种子就足以用 80 % 的检验功效检出这样大小的差别。",
    "sweep_distributions": "分布",
    "sweep_caption_distributions": "每个种子的最终{metric}，每种设置一行。竖线：中位数{colour}。",
    "sweep_caption_colour": "；颜色：失活输出的个数",
    "sweep_final_accuracy": "最终验证{metric}",
    "sweep_dead_outputs": "失活输出数",
    "sweep_seeds": "种子数",
    "sweep_median_accuracy": "{metric}中位数",
    "sweep_range": "范围",
    "sweep_from_to": "{low} 至 {high}",
    "sweep_median_loss": "损失中位数",
    "sweep_mean_dead": "平均失活输出数",
    "sweep_cause": "原因：失活的输出",
    "sweep_cause_text": "按训练结束时失活输出的个数分组，列出各组种子的准确率中位数，括号内为种子数；"
    "r 为准确率与失活输出数的皮尔逊相关系数，"
    "从 -1（失活输出越多，准确率越低，呈直线关系）到 1，接近 0 则互不相关。"
    "失活的输出对每张图像都为 0，几乎不会是最大的，"
    "因此该类别的图像（约占全部的十分之一）几乎都会被分错。logits 不接 ReLU 时，输出不会失活；那里的差别另有原因。",
    "sweep_by_dead": "失活输出数：准确率中位数（种子数）",
    "sweep_sensitivity": "敏感性",
    "sweep_sensitivity_text": "{rows}与{columns}的每种组合的最终{metric}中位数。{solved}",
    "sweep_sensitivity_solved": "括号内：训练过的种子中有多少个解决了任务。",
    "sweep_some_diverged": "{cell}，{count} 个发散",
    "sweep_solved_cell": "{cell}（{count} / {total}）",
    "sweep_caption_map": "每格：最终{metric}的中位数{solved}。颜色越深越好；加框：可用。",
    "sweep_caption_map_solved": "，以及解决了任务的种子数",
    "sweep_map_title": "{metric}中位数；加框：接近最好",
    "sweep_map_title_solved": "{metric}中位数；下方：解决了任务的种子数；加框：至少一半",
    "sweep_map_cell_diverged": "{count} 个发散",
    "sweep_map_works": "可用的{columns}取值（{rule}）：{ranges}。",
    "sweep_map_solved": "至少一半的种子解决了任务",
    "sweep_map_near_share": "{metric}中位数与最好的 {best} 相差不超过 {reach} 个百分点",
    "sweep_map_near": "{metric}中位数与最好的 {best} 相差不超过 {reach} %",
    "sweep_map_range": "{row}：{range}",
    "sweep_map_from_to": "{low} 至 {high}",
    "sweep_map_nothing": "{count} 个中没有",
    "sweep_map_wider": "按 {rule} 裁剪扩大了可用范围：在 {gained} 处，裁剪时可用，不裁剪时不可用。",
    "sweep_map_narrower": "按 {rule} 裁剪缩小了可用范围：在 {lost} 处，不裁剪时可用，裁剪时不可用。",
    "sweep_map_same": "按 {rule} 裁剪没有明显改变可用范围。",
    "sweep_map_moved": "按 {rule} 裁剪移动了可用范围：在 {gained} 处，裁剪时可用，不裁剪时不可用；在 {lost} 处则相反。",
    "sweep_map_few": "要判断裁剪是否改变可用范围，每个取值至少需要 {seeds} 个种子。",
    "sweep_map_edge": "止于 {edges} 的范围可能还会延伸：再远的取值没有试过。",
    "sweep_best": "每种{columns}下最好的{rows}：{best}。",
    "sweep_best_of": "{column}：{row}",
    "sweep_differences": "逐个种子的差别",
    "sweep_caption_differences": "每个点是一个种子的差别；菱形是平均值及其 95 % 置信区间。",
    "sweep_difference_axis": "{metric}之差",
    "sweep_difference": "差别",
    "sweep_quantity": "量",
    "sweep_loss_nats": "损失（奈特）",
    "sweep_unit_points": "百分点：两个百分比之差。从 50 % 到 60 % 就是 +10 个百分点。",
    "sweep_unit_nats": "奈特：损失的单位。损失是 -ln(p) 的平均值，其中 p 是网络给正确类别的概率。在 {classes} "
    "个类别中随机猜测的损失为 ln {classes} = {chance} 奈特；相差 +0.693（ln 2）奈特，表示 p 只有一半（几何平均）。"
    "越小越好。",
    "sweep_unit_r": "r：两种设置在各种子之间的皮尔逊相关系数，从 -1 到 1。"
    "接近 1 时，对一种设置有利的种子对另一种也有利，"
    "逐个种子比较就消除了大部分波动；接近 0 时，同一种子的两个结果互不相关。",
    "sweep_mean": "平均（95 %）",
    "sweep_median": "中位数",
    "sweep_adjusted": "校正后 p",
    "sweep_better": "更好（95 %）",
    "sweep_share": "{count} / {total}（{low}\N{EN DASH}{high}）",
    "sweep_no_interval": "没有区间",
    "sweep_too_few": "仅供探索",
    "sweep_one_run": "全部种子中的一次运行",
    "sweep_caption_curves": "粗线：全部种子的中位数；阴影：居中的一半；带标记的细线：单个种子{assignment}。",
    "sweep_caption_assignment": "，作业所看到的只有这一条",
    "sweep_validation_accuracy": "验证{metric}",
    "sweep_place": "{setting}，种子 {seed}：{metric} {value}{dead}；{count} 个种子中有 {below} 个的结果更低。",
    "sweep_place_dead": "，失活输出 {dead} 个",
    "sweep_method": "方法",
    "sweep_method_pairing": "每种设置都用同一组种子训练。种子决定初始权重和{examples}的顺序，"
    "因此同一种子的两种设置构成一对。种子对两者相同的影响在差值中抵消，只对其中之一的影响则留在差值里，"
    "差值因此分散。",
    "sweep_method_measured": "最终的损失和指标在最后一步之后于全部 {validation}上测得。曲线最多有二十个点，"
    "每个点所用的{examples}数与单次运行的一次评估相同。",
    "sweep_method_intervals": "区间是平均差别的 95 % BCa 自助法置信区间（重抽样 9,999 次），"
    "种子所占比例（更好的种子、解决任务的种子）的区间是 95 % Wilson 置信区间；每个区间各自成立，"
    "没有按比较的个数校正。p 来自对平均值的双侧符号翻转检验：不超过 16 个种子时是精确的，超过时由至少 20,000 "
    "个随机的符号组合估计（以 ~ 标出），并用 Holm 方法就各项设置所构成的全部比较作校正，没有数据可比的也计算在内。r "
    "是两种设置在各种子之间的相关系数。",
    "sweep_method_rule": "若校正后的 p 小于 0.05，并且区间不含 0，就称差别可以测出；否则就说没有可测出的差别；"
    "若 n 个种子对 m 个比较来说太少，即使全部一致，校正后最小的 p（2m / 2^n）也不小于 0.05，就说仅供探索。"
    "一个比较至少需要 6 个种子，四个需要 8 个，二十个需要 10 个。检出所得大小的差别所需的种子数不少于此数，"
    "并且使双侧 t 检验在 5 % / m 的显著性水平（即 Holm 方法对最小的 p 所用的水平）下有 80 % 的检验功效。",
    "sweep_method_dead": "若 logits 之后的 ReLU 使某个输出对每张验证图像都为 0，该输出就是失活的。"
    "此后它从这些图像得不到任何梯度，因此几乎不会恢复。logits 不接 ReLU 时，输出不会这样失活。",
    "sweep_method_map": "图中一个取值“可用”是指：至少一半的种子解决了任务；如果任务没有这样的阈值，则指中位数"
    "与最好的格相差不超过 5 个百分点（非比例指标为 10 %），且发散的种子不到一半。"
    "只有仅在一侧可用且差别明显的取值才用来判断裁剪是否扩大或缩小范围："
    "两个种子比例的 95 % Wilson 区间不重叠；没有阈值时，若至少一半的种子发散，则看发散比例的区间；"
    "否则看中位数的区间，且中位数相差须超过上述 5 个百分点或 10 %。这些区间未按取值的个数校正。",
    "sweep_method_stacked": "许多副本作为一个批量程序同时训练。"
    "每个副本在最初若干步内与同一种子的单次运行在舍入误差范围内相同，就整个训练过程而言分布相同。",
    "sweep_data": "数据：{origin}，SHA-256 {checksum}。版本：{versions}。",
}

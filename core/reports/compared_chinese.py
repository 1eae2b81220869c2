"""The Chinese text of the report of a comparison of runs."""

from __future__ import annotations

COMPARED_CHINESE = {
    "compared_title": "{count} 次运行的比较",
    "compared_runs": "{count} 次运行，共 {lanes} 条训练。标记 2B 表示第二次运行的第二条训练。",
    "compared_differ": "各条训练的不同之处：{settings}。",
    "compared_alike": "各条训练的设置没有不同。",
    "compared_experiments": "这些运行属于不同的实验：{experiments}。共有的指标：{metrics}。",
    "compared_left_out": "{run} 无法读取，未列入比较：{why}",
    "compared_worth": "单独的运行难以说明差别从何而来，单个随机种子不能说明裁剪的作用："
    "`clipwatch sweep` 在多个种子上比较各种设置。",
    "compared_best": "{metric}最佳：{lane}，{value}。{rest}",
    "compared_overlap": "{lanes} 的区间与其重叠。",
    "compared_apart": "没有其他训练的区间与其重叠。",
    "compared_equal": "{lanes} 与其完全相同。",
    "compared_started": "开始时间（UTC）",
    "compared_lanes": "各条训练",
    "compared_values": "数值为整个验证集上的结果，准确率附 95 % Wilson 置信区间。"
    "带步数的数值来自最近一次评估：该训练没有最终结果。",
    "compared_changes": "改动和分叉都标明步数：norm:1@300 表示该规则自第 300 步起生效，"
    "A@300 表示训练 A 在 300 步之后的分叉。",
    "compared_mark": "标记",
    "compared_run": "名称",
    "compared_at": "{value}（第 {step} 步）",
    "compared_of": "{step} / {planned}",
    "compared_ended": "{step}，{how}",
    "compared_stopped": "被停止",
    "compared_diverged": "发散",
    "compared_error": "出错",
    "compared_observed": "仅观察",
    "compared_curves": "曲线",
    "compared_curve": "各次评估的{metric}（按训练步），{window} 次评估的滑动平均。{forks}{lacking}",
    "compared_forks": "分叉的训练从其母训练的曲线开始。",
    "compared_lacking": "没有数值：{lanes}。",
    "set_clip": "裁剪规则",
    "set_experiment": "实验",
    "set_data": "数据的 SHA-256",
    "set_code": "代码的 SHA-256",
    "set_changes": "改动",
    "set_fork": "分叉",
    "set_forked from": "分叉自运行",
}

"""The Chinese text of the report of a watched loop."""

from __future__ import annotations

WATCHED_CHINESE = {
    "watched_title": "训练循环中的梯度裁剪：{model}",
    "watched_what": "{model} 有 {parameters} 个参数，由 {script} 训练了 {steps} 步。{lanes}",
    "watched_unknown_script": "未知的脚本",
    "watched_observed": "{lane} 只被观察：clipwatch 没有改动任何梯度。",
    "watched_ruled": "clipwatch 按此规则裁剪 {lane}：{rule}。",
    "watched_last_evaluation": "{lane} 的最后一次评估（第 {step} 步）：{values}。",
    "watched_value": "{metric}为 {value}",
    "watched_loop": "训练循环",
    "watched_loop_text": "训练由用户自己的脚本完成，clipwatch 只是旁观。"
    "脚本没有告知的内容（数据、批大小、学习率等）不在本报告中。",
    "watched_model": "模型",
    "watched_script": "脚本",
    "watched_parameters": "参数个数，{lane}",
    "watched_steps": "步数，{lane}",
    "watched_steps_of": "{done} / {planned}",
    "watched_rule": "裁剪规则，{lane}",
    "watched_no_rule": "无，只观察",
    "watched_skipped": "被 GradScaler 跳过的步数，{lane}",
    "watched_every": "测量",
    "watched_every_steps": "每 {count} 步一次",
    "watched_audit": "检查的发现",
    "watched_audit_text": "在测量的步上，把 `backward` 留下的梯度与优化器得到的梯度相比较。结束时成立的发现如下：",
    "watched_audit_item": "{lane}：{finding}（截至第 {step} 步）。",
    "watched_audit_mistake": "需要改正：{lane}：{finding}（截至第 {step} 步）。",
    "watched_audit_nothing": "检查没有发现需要报告的情况。",
    "watched_layers": "逐层",
    "watched_layers_text": "{lane} 的最后一次测量，第 {step} 步。",
    "layer": "层",
    "watched_losses": "损失与指标",
    "watched_no_losses": "训练循环既没有给出训练损失，也没有给出评估结果。",
    "watched_caption_steps": "训练步的{metric}。线：相邻若干步的中位数；带：其最小值到最大值。{marks}",
    "watched_caption_evaluations": "评估的{metric}。{marks}",
    "watched_train_loss": "训练损失",
    "watched_resources": "进程的资源用量",
    "watched_resources_text": "每五秒测一次，含子进程：平均占用 {cores} 个核，最多 {most} 个；内存最多 {memory}。{gpu}",
    "watched_gpu": "GPU 内存最多 {memory}。",
    "watched_gpu_share": "GPU 有 {share} 的时间在使用。",
    "watched_log": "各次评估",
}

# The findings of the audit, the most exact sentence first; the first one whose figures are all known is used. The
# English ones are in `audit_words`.
CHINESE_FINDINGS: dict[str, tuple[str, ...]] = {
    "not-clipped": (
        "‖g‖ 为 {norm:.3g}，原样到达优化器：该循环不裁剪（在 `backward` 之前裁剪不起作用）",
        "梯度原样到达优化器：该循环不裁剪",
    ),
    "clips-norm": (
        "该循环在优化器之前把范数裁剪到 {bound:g}：{share:.0%} 的步被裁剪",
        "该循环在优化器之前把范数裁剪到 {bound:g}",
        "该循环在优化器之前裁剪范数",
    ),
    "clips-value": (
        "该循环在优化器之前把每个元素裁剪到 {bound:g}：{share:.0%} 的步被裁剪",
        "该循环在优化器之前把每个元素裁剪到 {bound:g}",
        "该循环在优化器之前裁剪每个元素",
    ),
    "changes-gradient": (
        "该循环的裁剪在 {steps:,.0f} 步中的 {engaged:,.0f} 步起了作用",
        "该循环在优化器之前改动了梯度，但不是裁剪到某个界限",
    ),
    "clipped-twice": (
        "裁剪了两次：该循环先裁剪到 {bound:g}，规则随后又裁剪一次；请从循环中删去",
        "裁剪了两次：循环一次，规则一次；请从循环中删去",
    ),
    "still-scaled": (
        "梯度仍乘着 {scale:,.0f}：请在 `scaler.unscale_` 之后裁剪",
        "梯度仍乘着缩放系数：请在 `scaler.unscale_` 之后裁剪",
    ),
    "too-late": ("梯度在 `optimizer.step()` 之后才被改动：太晚了",),
    "never-engaged": (
        "规则在 {rule_steps:,.0f} 步之中尚未起作用",
        "该循环的裁剪在 {loop_steps:,.0f} 步之中尚未起作用",
        "{steps:,.0f} 步之中裁剪从未起作用",
        "裁剪从未起作用",
    ),
    "no-gradient": ("{parameters:.0f} 个参数的梯度为 None", "有参数的梯度为 None"),
    "zero-gradient": (
        "{parameters:.0f} 个参数的梯度已有 {steps:,.0f} 步为 0",
        "{parameters:.0f} 个参数的梯度一直为 0",
        "有参数的梯度一直为 0",
    ),
    "not-seen": ("有些梯度无法看到",),
}

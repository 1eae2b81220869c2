"""The keys that change a lane's learning rate."""

from __future__ import annotations

from watched_screen import Watch, on_a_loop

from clipwatch.core.stream.commands import Extend, SetClip, SetLearningRate


@on_a_loop
async def test_the_keys_step_the_selected_lanes_rate_and_say_so_at_once(watch: Watch) -> None:
    async with watch() as screen:
        await screen.press("right_curly_bracket")
        await screen.hears(SetLearningRate(lane="clipped", rate=0.002))
        await screen.says("B, step 210: learning rate 0.001 -> 0.002")
        await screen.press("tab", "left_curly_bracket")
        await screen.until(lambda: screen.heard[1:] == [SetLearningRate(lane="unclipped", rate=0.0005)])


@on_a_loop
async def test_presses_before_the_answer_add_up(watch: Watch) -> None:
    async with watch("silent") as screen:
        await screen.press(*["right_curly_bracket"] * 3)
        await screen.hears(*(SetLearningRate(lane="clipped", rate=rate) for rate in (0.002, 0.005, 0.01)))
        await screen.says("B: learning rate 0.005 -> 0.01")


@on_a_loop
async def test_the_rate_and_the_bound_that_a_lane_began_with_are_stops(watch: Watch) -> None:
    async with watch("normal", "--odd") as screen:
        await screen.press("right_curly_bracket", "left_curly_bracket", "right_square_bracket", "left_square_bracket")
        await screen.hears(
            *(SetLearningRate(lane="clipped", rate=rate) for rate in (0.5, 0.3)),
            *(SetClip(lane="clipped", rule=rule) for rule in ("value:0.5", "value:0.3")),
        )


@on_a_loop
async def test_an_unknown_rate_and_a_recording_are_refused(watch: Watch) -> None:
    async with watch("normal", "--unknown-rate", "--evaluations", "0") as screen:
        await screen.press("right_curly_bracket")
        await screen.says("The learning rate of B is unknown, so no key can change it.")
    async with watch("replays") as screen:
        await screen.until(lambda: screen.app.view.state.replay)
        await screen.press("left_curly_bracket")
        await screen.says("This is a recording. It cannot be changed.")
    assert not any(isinstance(command, SetLearningRate) for command in screen.heard)


@on_a_loop
async def test_a_rate_set_after_the_end_is_sent_with_the_extension(watch: Watch) -> None:
    async with watch("finishes") as screen:
        await screen.until(lambda: screen.app.view.state.lanes["clipped"].ended)
        await screen.press("right_curly_bracket", "right_curly_bracket")
        await screen.says("B has ended. A change to learning rate 0.005 takes effect with e: 1000 more steps")
        await screen.press("e")
        await screen.hears(SetLearningRate(lane="clipped", rate=0.005), Extend(iterations=1000))

import asyncio
import threading
import time

import pytest

from mirnet_keras.service.waiting import BusyError, WaitingRoom


def test_places_are_counted_and_given_back():
    room = WaitingRoom(places=2, seconds=1)
    with room.place(), room.place():
        with (
            pytest.raises(BusyError, match="2 pictures are waiting already") as caught,
            room.place(),
        ):
            pass
        assert caught.value.retry_after == 4  # two times the first guess
    assert room.taken == 0


def test_one_at_a_time_and_no_longer_than_allowed():
    room, release, begun = WaitingRoom(places=9, seconds=0.2), threading.Event(), []

    async def main():
        first = asyncio.create_task(room.compute(lambda report: release.wait()))
        await asyncio.sleep(0.05)
        second = asyncio.create_task(room.compute(lambda report: begun.append(True)))
        for task in (first, second):
            with pytest.raises(BusyError, match="not done within 0.2 seconds"):
                await task
        release.set()
        assert await room.compute(lambda report: "done") == "done"

    asyncio.run(main())
    room.close()
    assert begun == []  # what was given up is not begun


def test_what_is_cancelled_before_its_turn_is_not_begun_and_lets_the_next_one_go():
    room, release, begun = WaitingRoom(places=9, seconds=5), threading.Event(), []

    async def main():
        first = asyncio.create_task(room.compute(lambda report: release.wait()))
        await asyncio.sleep(0.05)
        second = asyncio.create_task(room.compute(lambda report: begun.append("second")))
        await asyncio.sleep(0.05)
        first.cancel()
        second.cancel()
        third = asyncio.create_task(room.compute(lambda report: begun.append("third")))
        await asyncio.sleep(0.05)
        assert begun == []  # the first one is still running
        release.set()
        await third

    asyncio.run(main())
    room.close()
    assert begun == ["third"]


@pytest.mark.parametrize("how", ["time", "cancelling"])
def test_what_is_running_ends_at_its_next_report_when_it_is_given_up(how):
    room, release, shares = WaitingRoom(places=9, seconds=0.2), threading.Event(), []

    def work(report):
        report(0.25)
        shares.append(0.25)
        assert release.wait(10)
        report(0.5)
        shares.append(0.5)

    async def main():
        task = asyncio.create_task(room.compute(work, 1 if how == "time" else 9))
        while not shares:
            assert not task.done()
            await asyncio.sleep(0.01)
        if how == "cancelling":
            task.cancel()
        with pytest.raises(BusyError if how == "time" else asyncio.CancelledError):
            await task
        release.set()
        assert await room.compute(lambda report: report(1) or "next", 9) == "next"

    asyncio.run(main())
    room.close()
    assert shares == [0.25]


def test_closing_waits_for_what_is_computed():
    room, done = WaitingRoom(places=9, seconds=5), []

    async def main():
        task = asyncio.create_task(
            room.compute(lambda report: (time.sleep(0.1), done.append(True)))
        )
        await asyncio.sleep(0.05)
        room.close()
        await task

    asyncio.run(main())
    assert done == [True]

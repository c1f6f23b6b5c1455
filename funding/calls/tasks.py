"""The clock of calls."""

from celery import shared_task

from funding.calls import services


@shared_task(name="funding.calls.run_clock", ignore_result=True)
def run_clock() -> tuple[int, int]:
    return services.run_clock()


@shared_task(name="funding.calls.remind_of_closing", ignore_result=True)
def remind_of_closing() -> int:
    return services.remind_of_closing()

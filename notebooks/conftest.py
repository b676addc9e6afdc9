"""For strict nbval (``make words``), which knows nothing of outputs that are filled in later.

The short answer counts as output of the cell that fills it in. What Python calls an object is no
word of the report.
"""


def pytest_collectstart(collector):
    if hasattr(collector, "skip_compare"):
        collector.skip_compare += ("text/plain",)
        collector.get_kernel_message = _filled_in(collector.get_kernel_message)


def _filled_in(receive):
    def received(**options):
        message = receive(**options)
        if message["msg_type"] == "update_display_data":
            message["msg_type"] = "display_data"
        elif message["content"].get("transient", {}).get("display_id"):
            return received(**options)  # a place to be filled in
        return message

    return received


def pytest_collection_modifyitems(items):
    cells = [item for item in items if hasattr(item, "cell")]
    for item in cells:
        answer = [o for o in item.cell.outputs if "answers" in o.get("metadata", {})]
        if answer and ".fill(" not in item.cell.source:
            same = [i for i in cells if i.parent == item.parent and ".fill(" in i.cell.source]
            item.cell.outputs.remove(answer[0])
            same[0].cell.outputs += answer

"""Health, the contract and its page, and the meaning of problems."""

from ostiary.feature import Context, Feature
from ostiary.features.examples.service import Examples
from ostiary.features.operations.routes import operations
from ostiary.features.operations.service import Operations
from ostiary.features.operations.swagger_ui import Page


def _operations(context: Context) -> Operations:
    return Operations(context.database, context.startup)


def _page(context: Context) -> Page:
    examples = context.get(Examples) if context.has_examples else None
    return Page(
        filled=not context.settings.is_production,
        administrator=examples.administrator.credentials if examples else None,
        client=examples.client.credentials if examples else None,
    )


FEATURE = Feature(name="operations", services={Operations: _operations, Page: _page}, blueprints=(operations,))

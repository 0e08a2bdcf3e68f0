"""Queues of Langfuse whose jobs are of users."""

from typing import Final

# QueueName in Langfuse's packages/shared/src/server/queues.ts, the same in 3.225.4 and 4.9.0: the
# queues whose jobs are of users, not of schedulers or of Langfuse's own cloud. Further shards of a
# queue exist in Redis clusters only.
QUEUES: Final = (
    "otel-ingestion-queue",
    "secondary-otel-ingestion-queue",
    "ingestion-queue",
    "secondary-ingestion-queue",
    "trace-upsert",
    "create-eval-queue",
    "evaluation-execution-queue",
    "secondary-evaluation-execution-queue",
    "llm-as-a-judge-execution-queue",
    "code-eval-execution-queue",
    "dataset-run-item-upsert-queue",
    "experiment-create-queue",
    "batch-export-queue",
    "batch-action-queue",
    "trace-delete",
    "score-delete",
    "dataset-delete-queue",
    "project-delete",
    "webhook-queue",
    "notification-queue",
    "entity-change-queue",
)

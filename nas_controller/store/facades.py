"""The three facades of the store: reads, writes of runners and their supervisor, and writes of the service.

Each lists its operations; the docstrings of the methods say what each does and raises.
"""

from __future__ import annotations

from nas_controller.store import models
from nas_controller.store.api_keys import ApiKeys
from nas_controller.store.campaign_deletions import CampaignDeletions
from nas_controller.store.campaign_lists import CampaignLists
from nas_controller.store.campaign_requests import CampaignRequests
from nas_controller.store.clock import Clock
from nas_controller.store.database import Database
from nas_controller.store.downsampling import Downsampling
from nas_controller.store.etag_versions import EtagVersions
from nas_controller.store.exports import ExportRecord, ExportRequests, ExportsQuery, ExportWrites
from nas_controller.store.finals import FinalsQuery, FinalsWrites
from nas_controller.store.idempotency_keys import IdempotencyKeys
from nas_controller.store.jobs import JobWrites
from nas_controller.store.learning_curves import LearningCurves
from nas_controller.store.leases import Leases
from nas_controller.store.login_sessions import LoginSessions
from nas_controller.store.outcome_rows import OutcomeQuery
from nas_controller.store.queries import Queries
from nas_controller.store.record_rows import RecordQuery
from nas_controller.store.serialisation import TrialDocuments
from nas_controller.store.shared_training import SharedTrainingWrites
from nas_controller.store.sink_cursors import SinkCursors
from nas_controller.store.supervisors import SupervisorHeartbeats
from nas_controller.store.totals import TotalsQuery
from nas_controller.store.training_writes import TrainingWrites
from nas_controller.store.trainings import TrainingRecord, TrainingRequests, TrainingsQuery
from nas_controller.store.trial_counts import TrialCounts
from nas_controller.store.trial_durations import TrialDurations
from nas_controller.store.trial_writes import TrialWrites
from nas_controller.store.webhook_deliveries import DeliveryWrites
from nas_controller.store.webhooks import Webhooks


class Reads:
    """Consistent reads that never block a writer. All raise StoreUnavailableError when the database is unavailable."""

    def __init__(self, database: Database, clock: Clock) -> None:
        queries = Queries(database)
        self.get_campaign = queries.get_campaign
        self.campaigns_named = queries.campaigns_named
        self.get_trial = queries.get_trial
        self.get_trial_record = queries.get_trial_record
        self.latest_trained = queries.latest_trained
        self.newest_rewards = queries.newest_rewards
        self.count_architectures = queries.count_architectures
        self.best_trials = queries.best_trials
        self.trial_columns = queries.trial_columns
        self.intermediate_aps = queries.intermediate_aps
        self.events_after = queries.events_after
        self.count_events = queries.count_events
        self.versions_of = queries.versions_of
        self.controller_state = queries.controller_state
        self.controller_digest = queries.controller_digest
        self.record_rows = RecordQuery(database).record_rows
        finals = FinalsQuery(database)
        self.final_runs = finals.final_runs
        self.cost_ratios = finals.cost_ratios

        lists = CampaignLists(database)
        self.list_campaigns = lists.list_campaigns
        self.last_events = lists.last_events

        exports = ExportsQuery(database)
        self.get_export = exports.get_export
        self.find_export = exports.find_export
        self.exports_of_trial = exports.exports_of_trial
        self.exports_of_training = exports.exports_of_training
        self.completed_exports = exports.completed_exports

        trainings = TrainingsQuery(database)
        self.get_training = trainings.get_training
        self.list_trainings = trainings.list_trainings
        self.training_events_after = trainings.training_events_after

        documents = TrialDocuments(database)
        self.trial_document = documents.trial_document
        self.trial_documents = documents.trial_documents
        self.best_trial_documents = documents.best_trial_documents

        samples = Downsampling(database)
        self.sample_rewards = samples.sample_rewards
        self.sample_costs = samples.sample_costs
        self.sample_choices = samples.sample_choices
        self.sample_curves = samples.sample_curves
        self.outcomes_after = OutcomeQuery(database).outcomes_after

        versions = EtagVersions(database)
        self.campaign_version = versions.campaign_version
        self.campaigns_version = versions.campaigns_version
        self.totals = TotalsQuery(database).totals
        self.trial_counts = TrialCounts(database).trial_counts
        durations = TrialDurations(database)
        self.trial_spans = durations.trial_spans
        self.final_spans = durations.final_spans
        self.shared_trainings = durations.shared_trainings
        self.list_supervisors = SupervisorHeartbeats(database, clock).list_supervisors


class RunnerWrites:
    """Writes of runners and their supervisor. A method that takes a lease is one transaction, which checks the lease
    and raises LeaseLostError when it is lost; all raise StoreUnavailableError when the database is unavailable.
    """

    def __init__(self, database: Database, clock: Clock) -> None:
        leases = Leases(database, clock)
        self.runnable_campaigns = leases.runnable_campaigns
        self.claim = leases.claim
        self.renew = leases.renew
        self.release = leases.release
        self.is_out_of_time = leases.is_out_of_time
        self.pause_campaign = leases.pause_campaign
        self.wait = leases.wait
        self.complete_campaign = leases.complete_campaign
        self.finish_campaign = leases.finish_campaign

        trials = TrialWrites(database, clock)
        self.begin_trial = trials.begin_trial
        self.start_attempt = trials.start_attempt
        curves = LearningCurves(database, clock)
        self.record_begin = curves.record_begin
        self.record_progress = curves.record_progress
        self.fail_attempt = trials.fail_attempt
        self.accept_reward = trials.accept_reward
        self.accept_repeat = trials.accept_repeat
        self.fail_trial = trials.fail_trial

        shared = SharedTrainingWrites(database, clock)
        self.start_shared_training = shared.start_shared_training
        self.record_shared_begin = shared.record_shared_begin
        self.record_shared_progress = shared.record_shared_progress
        self.complete_shared_training = shared.complete_shared_training
        self.fail_shared_training = shared.fail_shared_training

        finals = FinalsWrites(database, clock)
        self.begin_final = finals.begin_final
        self.record_final_begin = finals.record_final_begin
        self.record_final_progress = finals.record_final_progress
        self.complete_final = finals.complete_final
        self.fail_final = finals.fail_final
        self.complete_finals = finals.complete_finals

        exports = ExportWrites(database, clock)
        self.record_export_progress = exports.record_export_progress
        self.complete_export = exports.complete_export
        self.fail_export = exports.fail_export
        self.export_queue: JobWrites[models.Export, ExportRecord] = exports
        self.remove_export = exports.remove_export

        trainings = TrainingWrites(database, clock)
        self.record_training_progress = trainings.record_training_progress
        self.complete_training = trainings.complete_training
        self.fail_training = trainings.fail_training
        self.suspend_training = trainings.suspend_training
        self.training_queue: JobWrites[models.Training, TrainingRecord] = trainings

        self.deliveries = DeliveryWrites(database, clock)
        self.sinks = SinkCursors(database, clock)

        supervisors = SupervisorHeartbeats(database, clock)
        self.record_heartbeat = supervisors.record_heartbeat
        self.remove_supervisor = supervisors.remove_supervisor


class ServiceWrites:
    """Writes of the service: requests to campaigns, for exports and trainings, API keys, webhooks, logins, idempotency
    keys.

    All raise StoreUnavailableError when the database is unavailable.
    """

    def __init__(self, database: Database, clock: Clock) -> None:
        campaigns = CampaignRequests(database, clock)
        self.create_campaign = campaigns.create_campaign
        self.start_campaign = campaigns.start_campaign
        self.update_campaign = campaigns.update_campaign
        self.request_pause = campaigns.request_pause
        self.request_resume = campaigns.request_resume
        self.request_retry = campaigns.request_retry
        self.request_finals = campaigns.request_finals
        self.request_stop = campaigns.request_stop

        deletions = CampaignDeletions(database, clock)
        self.delete_campaign = deletions.delete_campaign
        self.unfinished_deletions = deletions.unfinished_deletions
        self.finish_deletion = deletions.finish_deletion

        self.request_export = ExportRequests(database, clock).request_export

        trainings = TrainingRequests(database, clock)
        self.create_training = trainings.create_training
        self.stop_training = trainings.stop_training
        self.resume_training = trainings.resume_training

        keys = ApiKeys(database, clock)
        self.create_key = keys.create_key
        self.list_keys = keys.list_keys
        self.rotate_key = keys.rotate_key
        self.revoke_key = keys.revoke_key
        self.identify_key = keys.identify_key
        self.record_key_use = keys.record_key_use
        self.has_keys = keys.has_keys
        self.has_active_keys = keys.has_active_keys

        webhooks = Webhooks(database, clock)
        self.create_webhook = webhooks.create_webhook
        self.list_webhooks = webhooks.list_webhooks
        self.get_webhook = webhooks.get_webhook
        self.delete_webhook = webhooks.delete_webhook
        self.test_webhook = webhooks.test_webhook
        self.list_deliveries = webhooks.list_deliveries
        self.get_delivery = webhooks.get_delivery
        self.resend_delivery = webhooks.resend_delivery

        logins = LoginSessions(database, clock)
        self.create_session = logins.create_session
        self.identify_session = logins.identify_session
        self.end_session = logins.end_session

        requests = IdempotencyKeys(database, clock)
        self.reserve_key = requests.reserve_key
        self.save_response = requests.save_response
        self.release_key = requests.release_key

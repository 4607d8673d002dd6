"""The list: every mistake, in the order of the report."""

from mutants.deciding import DECIDING
from mutants.holding import HOLDING
from mutants.keeping import KEEPING
from mutants.looking import LOOKING
from mutants.meeting import MEETING
from mutants.moving import MOVING
from mutants.ordering import ORDERING
from mutants.resuming import RESUMING
from mutants.running import RUNNING
from mutants.saying import SAYING

CHANGES = (*LOOKING, *DECIDING, *MOVING, *ORDERING, *RESUMING, *RUNNING, *SAYING, *HOLDING, *KEEPING, *MEETING)

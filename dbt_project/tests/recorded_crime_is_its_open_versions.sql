-- What is known now is exactly what no later delivery has ended: the two tables may not drift apart.
with open_versions as (
    select * from {{ ref('fct_recorded_crime_version') }}
    where known_to is null
)

select
    known_now.month as month_known_now,
    known_now.offences as offences_known_now,
    open_versions.month as month_of_version,
    open_versions.offences as offences_of_version
from {{ ref('fct_recorded_crime') }} as known_now
full outer join open_versions
    on
        known_now.return_code = open_versions.return_code
        and known_now.reporting_unit_code = open_versions.reporting_unit_code
        and known_now.month = open_versions.month
        and known_now.area_code = open_versions.area_code
        and known_now.offence_code = open_versions.offence_code
where known_now.offences is distinct from open_versions.offences

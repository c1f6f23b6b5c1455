from django.urls import path

from funding.decisions.views import OutcomePage

app_name = "decisions"
urlpatterns = [path("<int:pk>/outcome/", OutcomePage.as_view(), name="outcome")]
